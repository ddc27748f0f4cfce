package journal

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
)

// store is where the streams lie: a server in this process, or a cluster.
type store interface {
	// connect gives a connection of that name.
	connect(name string) (*nats.Conn, error)
	// broken says what ended writing for good, until the store is opened again.
	broken() error
	// room says whether there is room to write, and a way to it.
	room() error
	// close ends it and waits.
	close()
}

var (
	_ store = (*embedded)(nil)
	_ store = (*cluster)(nil)
)

// openStore opens the store that the options name. wake is called whenever it
// may be in trouble, or out of it.
func (o Options) openStore(ctx context.Context, wake func()) (store, error) {
	if o.URL != "" {
		return reachCluster(o, wake), nil
	}
	return startEmbedded(ctx, o.Dir, o.MinFree, o.Logger, wake)
}

// canWrite says whether it makes sense to open a broken store again.
func (o Options) canWrite() error {
	if o.URL != "" {
		return nil
	}
	return errors.Join(room(o.Dir, o.MinFree), probe(o.Dir))
}
