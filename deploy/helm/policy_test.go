package helm_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Pods run with no rights: as an ordinary user, without a token for the cluster, and with a file system that they only read.
func TestPodsHaveNoRights(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		for name, pod := range all.pods() {
			assert.Equal(t, new(false), pod.Spec.AutomountServiceAccountToken, "%s: automountServiceAccountToken", name)
			assert.Empty(t, pod.Spec.HostNetwork || pod.Spec.HostPID || pod.Spec.HostIPC, name)
			security := pod.Spec.SecurityContext
			require.NotNil(t, security, name)
			assert.Equal(t, new(true), security.RunAsNonRoot, "%s: runAsNonRoot", name)
			assert.Positive(t, *security.RunAsUser, "%s: runAsUser", name)
			assert.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, security.SeccompProfile.Type, "%s: seccompProfile", name)
			require.Len(t, pod.Spec.Containers, 1, name)
			assert.Equal(t, &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false),
				ReadOnlyRootFilesystem:   new(true),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}, pod.Spec.Containers[0].SecurityContext, "%s: securityContext", name)
			for _, volume := range pod.Spec.Volumes {
				assert.Nil(t, volume.HostPath, "%s: volume %s", name, volume.Name)
			}
		}
		for name, account := range all.accounts {
			assert.Equal(t, new(false), account.AutomountServiceAccountToken, name)
		}
	})
}

// Each container has an image of one version, and requests and limits that fit each other and Go's own limit.
func TestContainers(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		for name, pod := range all.pods() {
			c := pod.Spec.Containers[0]
			assert.Regexp(t, `^[^:@]+(:[^:@]+)?(@sha256:[0-9a-f]{64})?$`, c.Image, name)
			assert.Regexp(t, `[:@]`, c.Image, "%s: the image has neither tag nor digest", name)
			assert.NotContains(t, c.Image, ":latest", name)
			for _, kind := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				limit, request := c.Resources.Limits[kind], c.Resources.Requests[kind]
				assert.Positive(t, request.Sign(), "%s: request of %s", name, kind)
				assert.LessOrEqual(t, request.Cmp(limit), 0, "%s: the request of %s is above the limit", name, kind)
			}
			if goLimit := variables(c)["GOMEMLIMIT"].Value; goLimit != "" {
				parsed, err := resource.ParseQuantity(strings.TrimSuffix(goLimit, "B"))
				require.NoError(t, err)
				assert.Negative(t, parsed.Cmp(*c.Resources.Limits.Memory()), "%s: GOMEMLIMIT %s", name, goLimit)
			}
			assert.Len(t, variables(c), len(c.Env), "%s sets a variable twice", name)
		}
	})
}

// Each mount has its volume, and each volume a mount.
func TestVolumes(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		for name, pod := range all.pods() {
			var mounted, there []string
			for _, m := range pod.Spec.Containers[0].VolumeMounts {
				mounted = append(mounted, m.Name)
				assert.True(t, m.ReadOnly || m.Name == "tmp" || m.Name == "more", "%s: %s is not read-only", name, m.Name)
			}
			for _, v := range pod.Spec.Volumes {
				there = append(there, v.Name)
			}
			assert.ElementsMatch(t, there, mounted, name)
		}
	})
}

// The processes are asked for their health where they serve it.
func TestProbes(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		require.GreaterOrEqual(t, len(all.deployments), 4)
		for name, d := range all.deployments {
			c := d.Spec.Template.Spec.Containers[0]
			for path, probes := range map[string][]*corev1.Probe{"/livez": {c.StartupProbe, c.LivenessProbe}, "/readyz": {c.ReadinessProbe}} {
				for _, probe := range probes {
					require.NotNil(t, probe, name)
					assert.Equal(t, path, probe.HTTPGet.Path, name)
					assert.True(t, all.hasPort(name, probe.HTTPGet.Port), "%s: port %s", name, probe.HTTPGet.Port.StrVal)
				}
			}
			assert.Equal(t, ":9000", variables(c)["HEALTH_ADDRESS"].Value, name)
			assert.True(t, all.hasPort(name, intstr.FromInt32(9000)), name)
			switch {
			case strings.HasSuffix(name, "-api"):
				assert.Equal(t, ":9001", variables(c)["HTTP_ADDRESS"].Value)
				assert.True(t, all.hasPort(name, intstr.FromInt32(9001)))
			case strings.HasSuffix(name, "-desk"):
				assert.Equal(t, ":9002", variables(c)["DESK_ADDRESS"].Value)
				assert.True(t, all.hasPort(name, intstr.FromInt32(9002)))
				service, port, _ := strings.Cut(variables(c)["HTTP_ADDRESS"].Value, ":")
				require.Contains(t, all.services, service)
				assert.True(t, strings.HasSuffix(service, "-api"))
				assert.Equal(t, port, strconv.Itoa(int(all.services[service].Spec.Ports[0].Port)))
			}
		}
	})
}

// Pods have longer to end than the processes take to finish their work, and new ones are there before old ones go.
func TestRollingUpgrade(t *testing.T) {
	requests := duration(t, "cmd/orders/api.go", "drainRequests")
	work := duration(t, "workers/run.go", "drainTime")
	alerts := duration(t, "cmd/orders/settings.go", "drainAlerts")
	each(t, func(t *testing.T, all objects) {
		for name, d := range all.deployments {
			drain := work
			switch {
			case strings.HasSuffix(name, "-api"), strings.HasSuffix(name, "-desk"):
				delay, err := time.ParseDuration(variables(d.Spec.Template.Spec.Containers[0])["SHUTDOWN_DELAY"].Value)
				require.NoError(t, err, "a pod that is to end takes no more requests, while proxies still send some")
				assert.Positive(t, delay)
				drain = delay + requests
			case strings.HasSuffix(name, "-alertman"):
				drain = work + alerts
			}
			grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
			assert.Greater(t, grace, drain+5*time.Second, name)
			assert.Equal(t, new(intstr.FromInt32(0)), d.Spec.Strategy.RollingUpdate.MaxUnavailable, name)
			assert.Positive(t, d.Spec.MinReadySeconds, name)
		}
	})
}

// duration returns a constant of the source, in seconds there.
func duration(t *testing.T, file, name string) time.Duration {
	t.Helper()
	source, err := os.ReadFile(root + file)
	require.NoError(t, err)
	found := regexp.MustCompile(`\b` + name + ` += (\d+) \* time\.Second`).FindSubmatch(source)
	require.NotNil(t, found, "%s has no constant %s in seconds", file, name)
	seconds, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return time.Duration(seconds) * time.Second
}

// Every selector finds the pods that it is for, and no others.
func TestSelectors(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		processes := slices.Sorted(maps.Keys(all.deployments))
		for name, d := range all.deployments {
			assert.Equal(t, []string{name}, all.selected(t, d.Spec.Selector))
			require.Len(t, d.Spec.Template.Spec.TopologySpreadConstraints, 2, name)
			for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
				assert.Equal(t, []string{name}, all.selected(t, spread.LabelSelector))
			}
		}
		for name, s := range all.services {
			want := []string{name}
			if strings.HasSuffix(name, "-metrics") {
				want = processes
			}
			assert.Equal(t, want, all.selected(t, &metav1.LabelSelector{MatchLabels: s.Spec.Selector}))
			for _, port := range s.Spec.Ports {
				for _, process := range want {
					assert.True(t, all.hasPort(process, port.TargetPort), "service %s: port %s of %s", name, port.TargetPort.StrVal, process)
				}
			}
		}
		for name, b := range all.budgets {
			assert.Equal(t, []string{name}, all.selected(t, b.Spec.Selector))
		}
		for name, m := range all.serviceMonitors {
			selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
			require.NoError(t, err)
			var services []string
			for service, s := range all.services {
				if selector.Matches(labels.Set(s.Labels)) {
					services = append(services, service)
				}
			}
			require.Equal(t, []string{name + "-metrics"}, services)
			require.Len(t, m.Spec.Endpoints, 1)
			assert.Equal(t, all.services[services[0]].Spec.Ports[0].Name, m.Spec.Endpoints[0].Port)
		}
		for name, p := range all.networkPolicies {
			want := []string{name}
			if len(p.Spec.Ingress) == 0 {
				want = processes // nothing may connect, but for what the others allow
			}
			assert.Equal(t, want, all.selected(t, &p.Spec.PodSelector), name)
		}
		for name, i := range all.ingresses {
			backend := i.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			require.Contains(t, all.services, backend.Name, name)
			assert.Equal(t, backend.Port.Name, all.services[backend.Name].Spec.Ports[0].Name, name)
		}
	})
}

// What scales a deployment names one that is there and has no number of its own, and only the others have one. By backlog, it asks for
// each queue of the process.
func TestAutoscaling(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		scaled := map[string]bool{}
		for name, a := range all.autoscalers {
			assert.Equal(t, "Deployment", a.Spec.ScaleTargetRef.Kind, name)
			assert.LessOrEqual(t, *a.Spec.MinReplicas, a.Spec.MaxReplicas, name)
			scaled[a.Spec.ScaleTargetRef.Name] = true
		}
		for name, s := range all.scaled {
			var queues []string
			for _, trigger := range s.Spec.Triggers {
				assert.Equal(t, "temporal", trigger.Type)
				queues = append(queues, trigger.Metadata["taskQueue"])
				if reference := trigger.AuthenticationRef.Name; reference != "" {
					assert.Contains(t, all.authentications, reference, name)
				}
			}
			_, process, _ := strings.Cut(name, "-")
			assert.ElementsMatch(t, taskQueues(t)[process], queues, name)
			assert.Positive(t, s.Spec.MinReplicaCount, name)
			assert.LessOrEqual(t, s.Spec.MinReplicaCount, s.Spec.MaxReplicaCount, name)
			assert.NotContains(t, scaled, s.Spec.ScaleTargetRef.Name, "two scale it")
			scaled[s.Spec.ScaleTargetRef.Name] = true
		}
		for name, d := range all.deployments {
			assert.Equal(t, scaled[name], d.Spec.Replicas == nil, "%s: replicas", name)
			delete(scaled, name)
		}
		assert.Empty(t, scaled, "these are scaled and not there")
	})
}

// taskQueues returns the task queues of the processes.
func taskQueues(t *testing.T) map[string][]string {
	t.Helper()
	find := func(file, pattern string) (found []string) {
		source, err := os.ReadFile(root + file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(pattern).FindAllSubmatch(source, -1) {
			found = append(found, string(match[1]))
		}
		return found
	}
	own := find("workflows/names.go", `TaskQueue += "(\w+)"`)
	require.Equal(t, []string{"orders", "fraud_police", "alertman"}, own)
	queues := map[string][]string{"worker": {"orders"}, "fraud-police": {"fraud_police"}, "alertman": {"alertman"}}
	channels := find("domain/alert/channel.go", `(?m)^	[A-Z]\w+ += "(\w+)"$`)
	require.Contains(t, channels, "mail")
	for _, channel := range channels {
		queues["alertman"] = append(queues["alertman"], "alertman_"+channel)
	}
	return queues
}

// Every NetworkPolicy allows connections to ports of the pods that it is for, and from those alone whom the values name.
func TestNetworkPolicies(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		if len(all.networkPolicies) == 0 {
			return
		}
		require.Len(t, all.networkPolicies, len(all.deployments)+1)
		for name, p := range all.networkPolicies {
			assert.Contains(t, p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress, name)
			for _, rule := range p.Spec.Ingress {
				assert.NotEmpty(t, rule.From, "%s: from anywhere", name)
				require.NotEmpty(t, rule.Ports, "%s: to every port", name)
				for _, port := range rule.Ports {
					assert.True(t, all.hasPort(name, *port.Port), "%s: port %s", name, port.Port)
				}
			}
			for _, rule := range p.Spec.Egress {
				assert.NotEmpty(t, rule.Ports, "%s: to every port of others", name)
			}
		}
		assertDeskReachesAPI(t, all)
	})
}

// assertDeskReachesAPI checks that the desk's pods may connect to those of the api, which it asks whether they are ready.
func assertDeskReachesAPI(t *testing.T, all objects) {
	t.Helper()
	for desk, policy := range all.networkPolicies {
		release, is := strings.CutSuffix(desk, "-desk")
		if !is {
			continue
		}
		api := release + "-api"
		in := slices.ContainsFunc(all.networkPolicies[api].Spec.Ingress, func(rule networkingv1.NetworkPolicyIngressRule) bool {
			return all.allows(t, rule.Ports, rule.From, desk)
		})
		assert.True(t, in, "%s takes nothing from %s", api, desk)
		if slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			out := slices.ContainsFunc(policy.Spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool {
				return all.allows(t, rule.Ports, rule.To, api)
			})
			assert.True(t, out, "%s may not connect to %s", desk, api)
		}
	}
}

// allows reports whether a rule is about the api's port, and selects the pods of one deployment.
func (all objects) allows(t *testing.T, ports []networkingv1.NetworkPolicyPort, peers []networkingv1.NetworkPolicyPeer, deployment string) bool {
	t.Helper()
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return *p.Port == intstr.FromString("http") || *p.Port == intstr.FromInt32(9001)
	}) && slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		return p.PodSelector != nil && slices.Equal(all.selected(t, p.PodSelector), []string{deployment})
	})
}

// The jobs run before the processes of an install and an upgrade, each after what it needs.
func TestJobs(t *testing.T) {
	each(t, func(t *testing.T, all objects) {
		weight := func(object metav1.Object) int {
			annotations := object.GetAnnotations()
			assert.Equal(t, "pre-install,pre-upgrade", annotations["helm.sh/hook"], object.GetName())
			assert.Equal(t, "before-hook-creation", annotations["helm.sh/hook-delete-policy"], object.GetName())
			n, err := strconv.Atoi(annotations["helm.sh/hook-weight"])
			require.NoError(t, err)
			return n
		}
		weights := map[string]int{}
		for name, job := range all.jobs {
			_, short, _ := strings.Cut(name, "-")
			weights[short] = weight(job)
			assert.Equal(t, corev1.RestartPolicyNever, job.Spec.Template.Spec.RestartPolicy, "%s: the log of a failed pod is lost", name)
			for _, volume := range job.Spec.Template.Spec.Volumes {
				if volume.Name == "setup" {
					require.Contains(t, all.configMaps, volume.ConfigMap.Name)
					assert.Less(t, weight(all.configMaps[volume.ConfigMap.Name]), weights[short], "%s starts before its scripts are there", name)
				}
			}
			assert.Contains(t, []string{"", "default"}, job.Spec.Template.Spec.ServiceAccountName, "%s: the release's account is made later", name)
		}
		if setup, there := weights["ledger-setup"]; there {
			assert.Less(t, setup, weights["ledger-migrate"])
		}
	})
}

func variables(c corev1.Container) map[string]corev1.EnvVar {
	all := map[string]corev1.EnvVar{}
	for _, variable := range c.Env {
		all[variable.Name] = variable
	}
	return all
}
