package media

import (
	"sync"

	astiav "github.com/asticode/go-astiav"
)

// packetPool keeps the packets that are not in use. It holds as many as were in
// use at once, which the queues bound.
type packetPool struct {
	mu     sync.Mutex
	spare  []*astiav.Packet
	closed bool
}

func (p *packetPool) get() *astiav.Packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.spare)
	if n == 0 {
		return astiav.AllocPacket()
	}
	pkt := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return pkt
}

func (p *packetPool) put(pkt *astiav.Packet) {
	pkt.Unref()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		pkt.Free()
		return
	}
	p.spare = append(p.spare, pkt)
}

func (p *packetPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, pkt := range p.spare {
		pkt.Free()
	}
	p.spare = nil
}
