package engine

import "slices"

// tied is what a track has of one network: a viewer or a listener.
type tied interface {
	of() *network
}

// leaving gives those whose networks are not in force any more.
func leaving[T tied](have []T, networks []*network) (gone []T) {
	for _, t := range have {
		if !slices.Contains(networks, t.of()) {
			gone = append(gone, t)
		}
	}
	return gone
}

// attend gives one of each network: that which there is, or a new one, which takes
// over a use of its network.
func attend[T tied](have []T, networks []*network, open func(*network) T) (all []T) {
	for _, n := range networks {
		i := slices.IndexFunc(have, func(t T) bool { return t.of() == n })
		switch {
		case i >= 0:
			all = append(all, have[i])
		case n.retain():
			all = append(all, open(n))
		}
	}
	return all
}
