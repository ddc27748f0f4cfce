package api

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"google.golang.org/protobuf/proto"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

func pageSize(n uint32) int {
	if n == 0 {
		return defaultPage
	}
	return min(int(n), maxPage)
}

// sealToken makes the token of the page behind a place in a list. It says of which
// list: tokens of others are refused.
func sealToken(place string, list ...proto.Message) string {
	return base64.RawURLEncoding.EncodeToString([]byte(listSum(list) + place))
}

// openToken gives the place of a token, "" for the first page.
func openToken(token string, list ...proto.Message) (string, error) {
	if token == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", errToken
	}
	place, ok := strings.CutPrefix(string(text), listSum(list))
	if !ok || place == "" {
		return "", errToken
	}
	return place, nil
}

// listSum tells lists apart.
func listSum(list []proto.Message) string {
	h := sha256.New()
	for _, m := range list {
		b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m) // nil gives nothing
		h.Write([]byte{byte(len(b)), byte(len(b) >> 8), byte(len(b) >> 16)})
		h.Write(b)
	}
	return string(h.Sum(nil)[:8])
}
