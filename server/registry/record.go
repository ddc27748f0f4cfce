package registry

import (
	"time"

	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// record is what is kept of a source. It is replaced, never changed.
type record struct {
	Config   *streamvetv1.SourceConfig // with its secrets
	Created  time.Time
	Updated  time.Time
	Revision uint64
	FromFile bool
}

func newRecord(c *streamvetv1.SourceConfig, fromFile bool, now time.Time) *record {
	return &record{Config: c, Created: now, Updated: now, Revision: 1, FromFile: fromFile}
}

func (r *record) name() string { return r.Config.GetName() }

// with is the record after a change of the configuration.
func (r *record) with(c *streamvetv1.SourceConfig, now time.Time) *record {
	next := *r
	next.Config, next.Updated, next.Revision = c, now, r.Revision+1
	return &next
}

func clone(c *streamvetv1.SourceConfig) *streamvetv1.SourceConfig {
	if c == nil {
		return &streamvetv1.SourceConfig{}
	}
	return proto.Clone(c).(*streamvetv1.SourceConfig)
}
