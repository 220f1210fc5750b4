module bench/gnet-v1

go 1.22

require github.com/panjf2000/gnet v1.5.3

require (
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	go.uber.org/atomic v1.8.0 // indirect
	go.uber.org/multierr v1.7.0 // indirect
	go.uber.org/zap v1.18.1 // indirect
	golang.org/x/sys v0.0.0-20210630005230-0f9fa26af87c // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.0.0 // indirect
)

require bench/go-head v0.0.0

replace bench/go-head => ../go-head
