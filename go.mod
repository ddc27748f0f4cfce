module github.com/streamvet/streamvet

go 1.26

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/yalue/onnxruntime_go v1.35.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
)
