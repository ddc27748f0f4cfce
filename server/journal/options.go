package journal

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"
)

// Options says where a journal is and how long it keeps what it has. Zero values
// are the defaults named below.
type Options struct {
	// Dir is the directory of an embedded journal. It is made if it is missing,
	// and belongs to one process at a time.
	Dir string

	// URL is the address, or addresses with commas, of a NATS cluster to use
	// instead of Dir. It may carry a user and password, which no log and no error
	// repeats.
	URL string
	// Credentials is the path of a NATS credentials file for URL.
	Credentials string
	// TLS is for URL; nil uses TLS only if the address or the cluster asks for it.
	TLS *tls.Config
	// Replicas is on how many servers of the cluster each record lies. Default: 1.
	Replicas int

	// MaxAge is how long records and pictures are kept. Default: 7 days; negative:
	// as long as there is room.
	MaxAge time.Duration
	// MaxBytes is how much disk the records may take before the oldest ones go.
	// Default: 1 GiB; negative: no limit.
	MaxBytes int64
	// EvidenceMaxBytes is the same for the pictures. Default: 4 GiB.
	EvidenceMaxBytes int64
	// MinFree is how much of the disk an embedded journal leaves free: below, it
	// counts as full. Default: 64 MiB; negative: nothing.
	MinFree int64
	// RetryWindow is for how long an append that is tried again, even after a
	// crash, is known to be the same one. Default: 2 minutes.
	RetryWindow time.Duration

	// Logger gets what an operator should know. Default: slog.Default().
	Logger *slog.Logger

	// What tests turn down.
	retryEvery  time.Duration // between two looks at what is wrong
	ackTimeout  time.Duration // for one acknowledgement
	tailRecords int           // how many records the shared tail holds
}

// tailBytes is how much the shared tail holds, as it lies on disk.
const tailBytes = 8 << 20

func (o Options) withDefaults() (Options, error) {
	if (o.Dir == "") == (o.URL == "") {
		return o, errors.New("journal: give either a directory or the address of a NATS cluster")
	}
	if o.Replicas < 0 || o.Replicas > 5 || o.URL == "" && o.Replicas > 1 {
		return o, errors.New("journal: replicas must be 1 to 5, and are for a cluster alone")
	}
	orElse(&o.Replicas, 1)
	orElse(&o.MaxAge, 7*24*time.Hour)
	orElse(&o.MaxBytes, 1<<30)
	orElse(&o.EvidenceMaxBytes, 4<<30)
	orElse(&o.MinFree, 64<<20)
	orElse(&o.RetryWindow, 2*time.Minute)
	orElse(&o.retryEvery, time.Second)
	orElse(&o.ackTimeout, 10*time.Second)
	orElse(&o.tailRecords, 4096)
	if o.MaxAge > 0 {
		o.RetryWindow = min(o.RetryWindow, o.MaxAge)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, nil
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}
