package config

import (
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Config is all that the server can be told. Tags say the rest of each field:
//
//	name     in the file; "--section-name" and STREAMVET_SECTION_NAME come from it
//	default  where it is not the zero value
//	words    the only values that it may have
//	live     taken up from the file while the server runs; others need a restart
//	secret   never shown whole
//	help     one sentence for people
type Config struct {
	Insecure  bool      `name:"insecure" help:"serve without TLS, and without tokens if there are none, also to other machines"`
	State     State     `name:"state"`
	GRPC      GRPC      `name:"grpc"`
	HTTP      HTTP      `name:"http"`
	TLS       TLS       `name:"tls"`
	Auth      Auth      `name:"auth"`
	Reach     Reach     `name:"reach"`
	Limits    Limits    `name:"limits"`
	Engine    Engine    `name:"engine"`
	Detectors Detectors `name:"detectors"`
	Journal   Journal   `name:"journal"`
	Metrics   Metrics   `name:"metrics"`
	Trace     Trace     `name:"trace"`
	Log       Log       `name:"log"`
	Shutdown  Shutdown  `name:"shutdown"`

	// Sources are those of the file, which alone can change them; live.
	Sources []*streamvetv1.SourceConfig
}

// State is where the server keeps what outlives it.
type State struct {
	Dir string `name:"dir" help:"directory for sources and verdicts, made if it is missing; one process at a time (default: $STATE_DIRECTORY, /var/lib/streamvet for root, else ~/.local/state/streamvet)"`
}

// GRPC is the API.
type GRPC struct {
	Address              string        `name:"address" default:"127.0.0.1:7171" help:"where the API listens, host:port; an empty host is all addresses"`
	Reflection           bool          `name:"reflection" default:"true" help:"tell clients such as grpcurl which methods there are"`
	MaxReceiveBytes      Bytes         `name:"max_receive_bytes" default:"4MiB" help:"largest message that is taken"`
	MaxSendBytes         Bytes         `name:"max_send_bytes" default:"16MiB" help:"largest message that is sent"`
	MaxConnections       int           `name:"max_connections" default:"4096" help:"connections at the same time; further ones wait"`
	MaxConcurrentStreams int           `name:"max_concurrent_streams" default:"2048" help:"calls at the same time on one connection; further ones wait"`
	PingAfter            time.Duration `name:"ping_after" default:"1m" help:"ask a silent client for a sign of life after so long, and drop it 20 s later"`
	MinPing              time.Duration `name:"min_ping" default:"10s" help:"a client that pings more often is dropped"`
}

// HTTP is for machines that watch the server.
type HTTP struct {
	Address string `name:"address" default:"127.0.0.1:7172" help:"where /healthz, /readyz, /metrics and /debug/pprof/ are; empty: nowhere"`
}

// TLS is for both listeners. Its files are read again when they change.
type TLS struct {
	Cert          string   `name:"cert" help:"PEM file of the server's certificate and those that lead to its CA"`
	Key           string   `name:"key" help:"PEM file of its key"`
	MinVersion    string   `name:"min_version" default:"1.2" words:"1.2 1.3" help:"lowest version of TLS"`
	ClientCA      string   `name:"client_ca" help:"PEM file of the CAs whose client certificates are taken"`
	RequireClient bool     `name:"require_client" help:"refuse API connections without a client certificate"`
	Readers       []string `name:"readers" help:"names in client certificates (DNS, URI or e-mail address, else the common name) that may read; * is any"`
	Operators     []string `name:"operators" help:"names in client certificates that may do everything; * is any"`
}

// Auth is who may call.
type Auth struct {
	Tokens   string  `name:"tokens" help:"file of tokens, as streamvet token new writes its lines; it is read again when it changes"`
	Rate     float64 `name:"rate" default:"500" help:"calls a second that one client may make, over time; 0: any number"`
	Burst    int     `name:"burst" default:"2000" help:"calls that one client may make at once"`
	Failures int     `name:"failures" default:"10" help:"wrong tokens a minute that one address may try; then it waits"`
}

// Reach is what the URLs of sources may lead to.
type Reach struct {
	Roots []string `name:"roots" help:"directories within which files may be read; none: no file may"`
	Allow []string `name:"allow" help:"networks that may be reached though they are not public (loopback, private, link-local), such as 192.168.7.0/24"`
	Deny  []string `name:"deny" help:"networks that may not be reached; they win over reach.allow"`

	CA            string `name:"ca" help:"PEM file of the CAs whose certificates sources may have (default: the system's)"`
	UnverifiedTLS bool   `name:"unverified_tls" help:"take sources over TLS (https, rtmps, rtsps) whoever they are, with any certificate"`
}

// Limits are how much may be asked for.
type Limits struct {
	Sources     int           `name:"sources" help:"how many sources there may be; 0: as many as the machine can take"`
	Followers   int           `name:"followers" default:"10000" help:"calls that follow verdicts at the same time"`
	Watchers    int           `name:"watchers" default:"1000" help:"calls that watch sources, scores and shadows at the same time"`
	Vets        int           `name:"vets" default:"4" help:"calls of Vet at the same time"`
	UploadBytes Bytes         `name:"upload_bytes" default:"16GiB" help:"most that one call of Vet may upload"`
	IndexLast   Bytes         `name:"index_last_bytes" default:"256MiB" help:"how much of uploads may be gathered in memory, for files with their index at the end"`
	LiveVet     time.Duration `name:"live_vet" default:"1h" help:"how much of a live source one call of Vet sees"`
}

// Engine is what looks at the sources.
type Engine struct {
	Device           string        `name:"device" default:"auto" help:"where to decode and compute: cuda, cuda:N, cpu, or auto (a GPU if there is one)"`
	Provider         string        `name:"provider" default:"auto" words:"auto cuda tensorrt" help:"how networks run on a GPU"`
	FullPrecision    bool          `name:"full_precision" help:"run networks with 32 bits on a GPU too"`
	DecoderThreads   int           `name:"decoder_threads" default:"1" help:"threads of a software decoder, 1 to 64"`
	InferenceThreads int           `name:"inference_threads" default:"1" help:"threads of one run of a network, 1 to 64"`
	ORTLibrary       string        `name:"ort_library" help:"path of ONNX Runtime's library (default: where it was installed)"`
	DecoderShare     float64       `name:"decoder_share" default:"0.9" help:"how much of a GPU's decoders live sources may take together, up to 1"`
	MemoryReserve    Bytes         `name:"memory_reserve" default:"256MiB" help:"how much of a GPU's memory stays free"`
	MaxLatency       time.Duration `name:"max_latency" default:"100ms" help:"99th percentile from picture to score above which no further live source is taken"`
}

// Detectors are what is looked for.
type Detectors struct {
	Dir     string   `name:"dir" help:"directory of further detectors; one of the same name replaces the shipped one"`
	Only    []string `name:"only" live:"true" help:"run only these detectors"`
	Without []string `name:"without" live:"true" help:"run all detectors but these"`
}

// Journal is where verdicts are kept.
type Journal struct {
	MaxAge           time.Duration `name:"max_age" default:"168h" help:"how long verdicts and pictures are kept; 0: as long as there is room"`
	MaxBytes         Bytes         `name:"max_bytes" default:"1GiB" help:"how much disk verdicts may take before the oldest ones go; 0: no limit"`
	EvidenceMaxBytes Bytes         `name:"evidence_max_bytes" default:"4GiB" help:"the same for pictures; 0: no limit"`
	MinFree          Bytes         `name:"min_free" default:"64MiB" help:"how much of the disk stays free"`
	URL              string        `name:"url" secret:"true" help:"address of a NATS cluster to use instead of the state directory"`
	Credentials      string        `name:"credentials" help:"NATS credentials file for it"`
	CA               string        `name:"ca" help:"PEM file of the CAs of its certificates (default: the system's)"`
	Replicas         int           `name:"replicas" default:"1" help:"on how many of its servers each verdict lies, 1 to 5"`
}

// Metrics are for Prometheus.
type Metrics struct {
	Auth          bool    `name:"auth" help:"ask for a token with the role read on /metrics"`
	PerSource     bool    `name:"per_source" help:"add numbers for each source, by its name"`
	InstancePrice float64 `name:"instance_price" help:"what this machine costs an hour, for the cost of a stream-hour"`
}

// Trace is for an OpenTelemetry collector.
type Trace struct {
	Endpoint string `name:"endpoint" help:"where traces of sampled pictures go, host:port of an OpenTelemetry collector (OTLP over gRPC); empty: nowhere"`
	Insecure bool   `name:"insecure" help:"send them without TLS"`
	Every    int    `name:"every" default:"1000" help:"one picture in so many is traced"`
}

// Log is what is told besides.
type Log struct {
	Level  string `name:"level" default:"info" words:"debug info warn error" live:"true" help:"least level that is logged"`
	Format string `name:"format" default:"auto" words:"auto text json" help:"auto is text on a terminal, else JSON"`
}

// Shutdown is how the server ends.
type Shutdown struct {
	Timeout time.Duration `name:"timeout" default:"30s" help:"how long a clean end may take; then what is left is cut off"`
}
