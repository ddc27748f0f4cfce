package access

import (
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// HTTP lets through to h those who have at least the role.
func (a *Access) HTTP(role streamvetv1.Role, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := a.identify(credential{address: r.RemoteAddr, tls: r.TLS, header: r.Header.Values("Authorization")}, time.Now())
		switch {
		case status.Code(err) == codes.ResourceExhausted:
			http.Error(w, status.Convert(err).Message(), http.StatusTooManyRequests)
		case err != nil:
			w.Header().Set("WWW-Authenticate", `Bearer realm="streamvet"`)
			http.Error(w, status.Convert(err).Message(), http.StatusUnauthorized)
		case caller.Role < role:
			a.metrics.refused.WithLabelValues("role").Inc()
			http.Error(w, "the role "+roleWord(caller.Role)+" of "+caller.Name+" is too small: "+roleWord(role)+" is needed", http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
}
