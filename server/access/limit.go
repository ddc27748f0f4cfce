package access

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimiters bounds the memory that callers can take by being many. The one that
// was quiet longest is forgotten first.
const maxLimiters = 10_000

// limiters hold each of many to a rate.
type limiters struct {
	rate  rate.Limit
	burst int

	mu    *sync.Mutex
	byKey map[string]*list.Element
	order *list.List // of *limiter, the latest first
}

type limiter struct {
	key string
	rate.Limiter
}

// newLimiters allows perSecond over time and burst at once; perSecond 0 allows all.
func newLimiters(perSecond float64, burst int) limiters {
	return limiters{rate: rate.Limit(perSecond), burst: burst, mu: &sync.Mutex{}, byKey: map[string]*list.Element{}, order: list.New()}
}

// take counts one for key, or says how long to wait.
func (l *limiters) take(key string, now time.Time) (wait time.Duration, ok bool) {
	if l.rate == 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byKey[key]
	if e == nil {
		if len(l.byKey) >= maxLimiters {
			oldest := l.order.Remove(l.order.Back()).(*limiter)
			delete(l.byKey, oldest.key)
		}
		e = l.order.PushFront(&limiter{key: key, Limiter: *rate.NewLimiter(l.rate, l.burst)})
		l.byKey[key] = e
	}
	l.order.MoveToFront(e)
	r := e.Value.(*limiter).ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// addressKey is what an address is counted under: one machine has a whole /64 of IPv6.
func addressKey(address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return "?"
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
