package media

/*
#cgo LDFLAGS: -Wl,--wrap=ff_tls_open_underlying
#cgo LDFLAGS: -Wl,--wrap=gnutls_certificate_verify_peers2 -Wl,--wrap=gnutls_x509_crt_check_hostname
#include "media.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"
)

// ErrUntrusted is a server that did not prove by its certificate who it is.
var ErrUntrusted = errors.New("its TLS certificate is not to be trusted")

// TLS says how servers of https, rtmps, rtsps and the like prove who they are: with
// a certificate for the host's name from a CA that the system trusts, or one of
// CAFile. It holds for redirects and what playlists name as well.
type TLS struct {
	// CAFile is a PEM file of the CAs that are trusted instead of the system's.
	CAFile string
	// Unverified takes every certificate.
	Unverified bool
}

// setTrust must come before the first connection.
func (s *Source) setTrust() error {
	t := s.options.TLS
	if t.Unverified {
		return nil
	}
	asked := "verify=1"
	if t.CAFile != "" {
		if _, err := os.ReadFile(t.CAFile); err != nil {
			return fmt.Errorf("read the CAs that are trusted: %w", err)
		}
		if strings.ContainsAny(t.CAFile, "&+?") {
			return fmt.Errorf("the file of the CAs, %s, has a character of &+? in its path, which FFmpeg cannot take: name it otherwise", t.CAFile)
		}
		asked = "cafile=" + t.CAFile + "&" + asked
	}
	place := unsafe.Slice((*byte)(unsafe.Pointer(&C.svm_input_guard(s.in.c).tls[0])), C.sizeof_svm_tls)
	if len(asked) >= len(place) {
		return fmt.Errorf("the path of the file of the CAs has %d bytes: at most %d can be used", len(t.CAFile), len(place)-len(asked)+len(t.CAFile)-1)
	}
	copy(place, asked+"\x00")
	return nil
}

// distrust is why a server was not trusted, or nil.
func (s *Source) distrust() error {
	why := C.svm_input_guard(s.in.c).distrusted
	for _, reason := range []struct {
		flag C.uint
		text string
	}{
		{C.SVM_TIME, "it has expired, or is not valid yet: have it renewed, or check this machine's clock"},
		{C.SVM_ISSUER, "it is not from a CA that is trusted here: name the file of its CA, or make the system trust it"},
		{C.SVM_HOST, "it is for another host: use the name that is in it"},
	} {
		if why&reason.flag != 0 {
			return fmt.Errorf("%w: %s", ErrUntrusted, reason.text)
		}
	}
	return nil
}
