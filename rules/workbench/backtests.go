package workbench

type backtests struct{}
