package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
)

// machine is a model of a machine that runs the whole service: cores that take work in the order in which it comes. The answer
// to a transaction is stages one after the other; after it comes work that no caller waits for. All times are in milliseconds.
type machine struct {
	cores  int
	stages int     // of a transaction; each takes exponentially long
	answer float64 // the mean of all stages together
	after  float64 // the mean of what follows the answer
}

// work is a transaction's next stage, which comes to the cores at a time.
type work struct {
	at, begun float64
	left      int // stages, with this one; 0 for what follows the answer
}

type workQueue []work

func (q workQueue) Len() int           { return len(q) }
func (q workQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q workQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *workQueue) Push(x any)        { *q = append(*q, x.(work)) } //nolint:forcetypeassert // heap gives back what it got
func (q *workQueue) Pop() any {
	last := len(*q) - 1
	taken := (*q)[last]
	*q = (*q)[:last]
	return taken
}

// closedLoop simulates callers who each call again as soon as they are answered. It returns the sorted times to the answer, and the
// rate a second.
func (m machine) closedLoop(callers, answers int) (latencies []float64, rate float64) {
	random := rand.New(rand.NewPCG(1, 2)) // a simulation has to come out the same each time
	free, queue := make([]float64, m.cores), &workQueue{}
	for range callers {
		heap.Push(queue, work{left: m.stages})
	}
	now := 0.0
	for len(latencies) < answers {
		w := heap.Pop(queue).(work) //nolint:forcetypeassert // it holds nothing else
		core := slices.Index(free, slices.Min(free))
		mean := m.answer / float64(m.stages)
		if w.left == 0 {
			mean = m.after
		}
		now = max(w.at, free[core]) + random.ExpFloat64()*mean
		free[core] = now
		switch w.left {
		case 0:
		case 1:
			latencies = append(latencies, now-w.begun)
			heap.Push(queue, work{at: now})
			heap.Push(queue, work{at: now, begun: now, left: m.stages})
		default:
			heap.Push(queue, work{now, w.begun, w.left - 1})
		}
	}
	slices.Sort(latencies)
	return latencies, float64(answers) / now * 1000
}

// waits returns how likely it is that work has to wait for a server, by Erlang's C formula, where servers are busy for load of their
// number on average.
func waits(servers int, load float64) float64 {
	blocked := 1.0 // by Erlang's B formula, for ever more servers
	for n := 1; n <= servers; n++ {
		blocked = load * blocked / (float64(n) + load*blocked)
	}
	return blocked / (1 - load/float64(servers)*(1-blocked))
}

// waitOf returns the longest that all but a part of the work waits for one of several servers. A server takes service for one piece.
func waitOf(servers int, load, service, part float64) float64 {
	return max(0, math.Log(waits(servers, load)/part)*service/(float64(servers)-load))
}
