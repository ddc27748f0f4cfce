package config

import (
	"strings"
	"testing"
)

func TestWhatIsRefused(t *testing.T) {
	tls := []string{"--tls-cert=c", "--tls-key=k"}
	open := "can be reached from other machines, and there is no TLS: set tls.cert and tls.key, or listen on 127.0.0.1, or say --insecure"
	anybody := "can be reached from other machines, and anybody could do anything: set auth.tokens or tls.client_ca"
	for name, c := range map[string]struct {
		args []string
		want string // "" for what is taken
	}{
		"loopback":                 {[]string{"--grpc-address=127.0.0.1:1"}, ""},
		"loopback of IPv6":         {[]string{"--grpc-address=[::1]:1"}, ""},
		"loopback mapped":          {[]string{"--grpc-address=[::ffff:127.0.0.1]:1"}, ""},
		"localhost":                {[]string{"--grpc-address=localhost:1"}, ""},
		"any port":                 {[]string{"--grpc-address=127.0.0.1:0"}, ""},
		"no HTTP":                  {[]string{"--http-address="}, ""},
		"all addresses":            {[]string{"--grpc-address=:1"}, "grpc.address (flag --grpc-address): :1 " + open},
		"all of IPv4":              {[]string{"--grpc-address=0.0.0.0:1"}, open},
		"one address":              {[]string{"--grpc-address=10.0.0.1:1"}, open},
		"a host":                   {[]string{"--grpc-address=media.example:1"}, open},
		"HTTP too":                 {[]string{"--http-address=0.0.0.0:1"}, "http.address (flag --http-address): 0.0.0.0:1 " + open},
		"nobody is asked":          {append([]string{"--grpc-address=:1"}, tls...), anybody},
		"HTTP, nobody is asked":    {append([]string{"--http-address=:1"}, tls...), anybody},
		"tokens in the clear":      {[]string{"--grpc-address=:1", "--auth-tokens=t"}, open},
		"TLS and tokens":           {append([]string{"--grpc-address=:1", "--http-address=:2", "--auth-tokens=t"}, tls...), ""},
		"TLS and certificates":     {append([]string{"--grpc-address=:1", "--tls-client-ca=ca", "--tls-readers=*"}, tls...), ""},
		"insecure":                 {[]string{"--grpc-address=:1", "--http-address=:2", "--insecure"}, ""},
		"no address":               {[]string{"--grpc-address="}, "it is empty: write where to listen, as 127.0.0.1:7171"},
		"no port":                  {[]string{"--grpc-address=127.0.0.1"}, `"127.0.0.1" is no address: write it as 127.0.0.1:7171`},
		"a large port":             {[]string{"--grpc-address=127.0.0.1:70000"}, "is no address"},
		"a named port":             {[]string{"--grpc-address=127.0.0.1:http"}, "is no address"},
		"a key alone":              {[]string{"--tls-key=k"}, "tls.cert and tls.key go together: set both"},
		"a CA without TLS":         {[]string{"--tls-client-ca=ca", "--tls-readers=*"}, "client certificates need TLS"},
		"a CA for nobody":          {append([]string{"--tls-client-ca=ca"}, tls...), "nobody could do anything: say who in tls.readers"},
		"required without a CA":    {append([]string{"--tls-require-client"}, tls...), "set tls.client_ca"},
		"readers without a CA":     {append([]string{"--tls-readers=a"}, tls...), "set tls.client_ca"},
		"a root that is relative":  {[]string{"--reach-roots=media"}, `"media" does not begin with a slash`},
		"a network that is none":   {[]string{"--reach-allow=10.0.0.1"}, `"10.0.0.1" is no network: write it as 192.168.7.0/24`},
		"no network to deny":       {[]string{"--reach-deny=x"}, `reach.deny (flag --reach-deny): "x" is no network`},
		"only and without":         {[]string{"--detectors-only=a", "--detectors-without=b"}, "exclude each other"},
		"threads":                  {[]string{"--engine-decoder-threads=65"}, "65 is not in 1..64"},
		"a share of decoders":      {[]string{"--engine-decoder-share=1.1"}, "1.1 is not above 0 and at most 1"},
		"replicas":                 {[]string{"--journal-replicas=6"}, "6 is not in 1..5"},
		"credentials alone":        {[]string{"--journal-credentials=x"}, "it belongs to journal.url"},
		"a small message":          {[]string{"--grpc-max-receive-bytes=1"}, "1 is not in 64KiB..1GiB"},
		"a price below nothing":    {[]string{"--metrics-instance-price=-1"}, "-1 is negative"},
		"no collector":             {[]string{"--trace-endpoint=http://collector"}, "is no address: write it as collector.example:4317"},
		"no picture traced":        {[]string{"--trace-every=0"}, "0 is not at least 1"},
		"no time to end":           {[]string{"--shutdown-timeout=0s"}, "must be longer than nothing"},
		"no state":                 {[]string{"--state-dir="}, "it is empty: name a directory"},
		"several are told at once": {[]string{"--limits-vets=0", "--auth-burst=0"}, "auth.burst"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := given{args: c.args}.load(t)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("it is refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
