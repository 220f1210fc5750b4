module bench/go-head

go 1.22
