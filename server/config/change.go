package config

import (
	"crypto/sha256"
	"reflect"

	"google.golang.org/protobuf/proto"
)

// Change is what differs between two configurations.
type Change struct {
	// Live are the names of settings that can be taken up; Restart those that need
	// a restart.
	Live, Restart []string
	// Sources says that the sources differ.
	Sources bool
}

// Until compares l with a later one.
func (l *Loaded) Until(later *Loaded) Change {
	var c Change
	now, then := settings(&l.Config), settings(&later.Config)
	for i, s := range now {
		if reflect.DeepEqual(s.value.Interface(), then[i].value.Interface()) {
			continue
		}
		if s.live() {
			c.Live = append(c.Live, s.name)
		} else {
			c.Restart = append(c.Restart, s.name)
		}
	}
	c.Sources = len(l.Sources) != len(later.Sources)
	for i := 0; !c.Sources && i < len(l.Sources); i++ {
		c.Sources = !proto.Equal(l.Sources[i], later.Sources[i])
	}
	return c
}

// Fingerprint tells one content of a file from another. Files are compared by what
// they hold: a name may lead elsewhere by a link, as in Kubernetes.
func Fingerprint(path string) string {
	if path == "" {
		return ""
	}
	data, err := readAll(path)
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(data)
	return string(sum[:])
}
