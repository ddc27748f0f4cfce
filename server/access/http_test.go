package access

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func TestHTTP(t *testing.T) {
	f := newTokenFile(t)
	r := startRig(t, secured(f))
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") })
	for _, c := range []struct {
		name, header string
		role         streamvetv1.Role
		code         int
		says         string
	}{
		{"reader reads", "Bearer " + f.read, streamvetv1.Role_ROLE_READ, 200, "page"},
		{"reader operates", "Bearer " + f.read, streamvetv1.Role_ROLE_OPERATE, 403, "the role read of reader is too small: operate is needed"},
		{"operator reads", "Bearer " + f.operate, streamvetv1.Role_ROLE_READ, 200, "page"},
		{"operator operates", "Bearer " + f.operate, streamvetv1.Role_ROLE_OPERATE, 200, "page"},
		{"nobody", "", streamvetv1.Role_ROLE_READ, 401, "a token is needed"},
		{"wrong", "Bearer svt_x", streamvetv1.Role_ROLE_READ, 401, "the token is not known"},
		{"expired", "Bearer " + f.expired, streamvetv1.Role_ROLE_READ, 401, "the token has expired"},
	} {
		q := httptest.NewRequest("GET", "/", nil)
		if c.header != "" {
			q.Header.Set("Authorization", c.header)
		}
		w := httptest.NewRecorder()
		r.HTTP(c.role, page).ServeHTTP(w, q)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) || (c.code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
	}
	codes := map[int]int{}
	for range 20 {
		w := httptest.NewRecorder()
		r.HTTP(streamvetv1.Role_ROLE_READ, page).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		codes[w.Code]++
	}
	if codes[429] < 5 || codes[200] > 0 {
		t.Errorf("many wrong tries give %v", codes)
	}
}
