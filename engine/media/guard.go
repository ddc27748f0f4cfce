package media

/*
#cgo LDFLAGS: -Wl,--wrap=connect -Wl,--wrap=sendto -Wl,--wrap=sendmsg -Wl,--wrap=getaddrinfo
#cgo LDFLAGS: -Wl,--wrap=avpriv_open -Wl,--wrap=srt_connect -Wl,--wrap=getenv -Wl,--wrap=ff_get_chomp_line
#include <stdlib.h>
#include "media.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/cgo"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Guard says what an input may touch. It is asked for every connection and every
// file that FFmpeg opens for the input, wherever DNS, a redirect or a playlist
// leads; what it refuses once ends the input. Its methods may be called from any
// goroutine.
type Guard interface {
	// Resolve gives the addresses of a host that may be reached; network is "tcp" or
	// "udp", host a name or an address. A *net.DNSError and ctx's error are no refusal.
	Resolve(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Connect refuses to send to an address.
	Connect(network string, to netip.AddrPort) error
	// File refuses to read a regular file; path has no links.
	File(path string) error
}

// gate is a guard at work for one input.
type gate struct {
	guard       Guard
	handle      cgo.Handle
	headers     string // the host that headers are for; empty: there are none
	timeout     time.Duration
	cancelInput func()
	life        context.Context // until the input is cancelled
	end         context.CancelFunc

	mu      sync.Mutex
	refused error // the first refusal
	trouble error // the last name that could not be resolved
}

// setGuard puts the guard before the input.
func (s *Source) setGuard() error {
	if C.svm_guard_works() == 0 {
		return errors.New("this build cannot guard where FFmpeg connects to, for FFmpeg is not linked into it: build with the FFmpeg that make setup makes")
	}
	t := &gate{guard: s.options.Guard, timeout: s.options.StallTimeout, cancelInput: s.in.cancel}
	t.life, t.end = context.WithCancel(context.Background())
	t.handle = cgo.NewHandle(t)
	C.svm_input_guard(s.in.c).handle = C.uintptr_t(t.handle)
	s.in.guarded = new(C.svm_packet_info)
	s.gate = t
	return nil
}

// close is called once nothing of the input runs any more. nil has nothing to close.
func (t *gate) close() {
	if t != nil {
		t.end()
		t.handle.Delete()
	}
}

// cancel ends what the guard waits for.
func (t *gate) cancel() {
	if t != nil {
		t.end()
	}
}

// refuse notes a refusal, which ends the input.
func (t *gate) refuse(err error) {
	t.cancelInput()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil {
		t.refused = err
	}
}

// refusal is what the input was refused, or nil.
func (t *gate) refusal() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrAddress, t.refused)
}

// unresolved is why a name could not be resolved, or nil.
func (t *gate) unresolved() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trouble
}

func networkName(datagram C.int) string {
	if datagram != 0 {
		return "udp"
	}
	return "tcp"
}

//export svmGuardConnect
func svmGuardConnect(handle C.uintptr_t, address *C.uint8_t, size, port, datagram C.int) C.int {
	t := cgo.Handle(handle).Value().(*gate)
	addr, ok := netip.AddrFromSlice(C.GoBytes(unsafe.Pointer(address), size))
	if !ok {
		t.refuse(errors.New("it leads to what is no address of the internet"))
		return 0
	}
	if err := t.guard.Connect(networkName(datagram), netip.AddrPortFrom(addr.Unmap(), uint16(port))); err != nil {
		t.refuse(err)
		return 0
	}
	return 1
}

//export svmGuardFile
func svmGuardFile(handle C.uintptr_t, path *C.char) C.int {
	t := cgo.Handle(handle).Value().(*gate)
	if err := t.guard.File(C.GoString(path)); err != nil {
		t.refuse(err)
		return 0
	}
	return 1
}

//export svmGuardTooMuch
func svmGuardTooMuch(handle C.uintptr_t, text C.int) {
	t := cgo.Handle(handle).Value().(*gate)
	if text != 0 {
		t.refuse(errors.New("its playlist is larger than 16 MiB: name one of a shorter time"))
		return
	}
	t.refuse(errors.New("it leads to more than 512 connections at once: name one of its streams alone"))
}

// svmGuardResolve gives the addresses, one a line, for the caller to free; NULL
// where there are none.
//
//export svmGuardResolve
func svmGuardResolve(handle C.uintptr_t, node *C.char, datagram, foreign C.int) *C.char {
	t := cgo.Handle(handle).Value().(*gate)
	host := C.GoString(node)
	if t.headers != "" && foreign == 0 && !strings.EqualFold(host, t.headers) {
		t.refuse(fmt.Errorf("it redirects to %s, and the HTTP headers that are set are for %s alone: name the new address, or leave the headers out", host, t.headers))
		return nil
	}
	ctx, cancel := context.WithTimeout(t.life, t.timeout)
	defer cancel()
	all, err := t.guard.Resolve(ctx, networkName(datagram), host)
	var dns *net.DNSError
	switch {
	case err == nil:
	case errors.As(err, &dns), ctx.Err() != nil:
		t.mu.Lock()
		t.trouble = err
		t.mu.Unlock()
		return nil
	default:
		t.refuse(err)
		return nil
	}
	var lines strings.Builder
	for _, a := range all[:min(len(all), maxAddresses)] {
		fmt.Fprintln(&lines, a)
	}
	return C.CString(lines.String())
}

// maxAddresses is how many addresses of one name are tried.
const maxAddresses = 16

// anywhere is the guard of an input that has none, and headers that need one.
type anywhere struct{}

func (anywhere) Resolve(ctx context.Context, _, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
func (anywhere) Connect(string, netip.AddrPort) error { return nil }
func (anywhere) File(string) error                    { return nil }

// guardHeaders lets headers go to one host alone.
func (s *Source) guardHeaders(host string) {
	s.gate.headers = host
	h := C.CString(host)
	defer C.free(unsafe.Pointer(h))
	C.svm_guard_headers(s.in.c, formatC(s.format), h)
}
