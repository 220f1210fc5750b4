module bench/go-net

go 1.22
