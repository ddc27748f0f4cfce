package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	neturl "net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	astiav "github.com/asticode/go-astiav"
)

// location is where FFmpeg finds a source, and what it may touch on the way.
type location struct {
	url     string
	options map[string]string
}

// protocols lists what each scheme may open. A playlist that comes over the
// network must not name local files, nor the other way round.
var protocols = map[string]string{
	"http":  "http,https,httpproxy,tcp,tls,crypto,data",
	"https": "http,https,httpproxy,tcp,tls,crypto,data",
	"rtmp":  "rtmp,tcp", "rtmps": "rtmps,tls,tcp", "rtmpt": "rtmpt,http,tcp",
	"rtsp": "rtsp,rtp,udp,tcp", "rtsps": "rtsp,rtp,srtp,udp,tcp,tls",
	"rtp": "rtp,udp", "udp": "udp", "srt": "srt,udp", "tcp": "tcp",
}

const fileProtocols = "file,crypto,data"

// locate finds the source, with what its transport adds.
func (s *Source) locate() (location, error) {
	if f := s.options.Input; f != nil {
		return locateInput(f)
	}
	l, err := locate(s.url)
	if err == nil {
		s.options.Transport.apply(&l)
	}
	return l, err
}

// locateInput reads an open file through a descriptor of FFmpeg's own.
func locateInput(f *os.File) (location, error) {
	l := location{"fd:", readOptions("fd")}
	c, err := f.SyscallConn() // Fd would make a pipe block
	if err == nil {
		err = c.Control(func(fd uintptr) { l.options["fd"] = strconv.Itoa(int(fd)) })
	}
	return l, err
}

func locate(url string) (location, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	scheme = strings.ToLower(scheme)
	if !ok || strings.ContainsAny(scheme, "/.") {
		return locateFile(url)
	}
	if scheme == "file" {
		return locateFile(rest)
	}
	allowed, ok := protocols[scheme]
	if !ok {
		known := make([]string, 0, len(protocols))
		for s := range protocols {
			known = append(known, s)
		}
		slices.Sort(known)
		return location{}, fmt.Errorf("%w: %q is none of %s; give the path of a file, or one of these addresses", ErrAddress, scheme, strings.Join(known, ", "))
	}
	return location{url, readOptions(allowed)}, nil
}

// ComesAtItsPace tells whether what lies at url can only be live: its pictures
// come when they are sent, not when they are asked for.
func ComesAtItsPace(url string) bool {
	scheme, _, ok := strings.Cut(url, "://")
	return ok && slices.Contains([]string{"rtsp", "rtsps", "rtp", "udp", "srt", "rtmp", "rtmps", "rtmpt"}, strings.ToLower(scheme))
}

// WithoutPassword is url as it may be told: a password in it is replaced, and so
// are bytes that are no text.
func WithoutPassword(url string) string {
	if u, err := neturl.Parse(url); err == nil && u.User != nil {
		url = u.Redacted()
	}
	return strings.ToValidUTF8(url, "\uFFFD")
}

var addresses = regexp.MustCompile(`[a-z][a-z0-9+]*://[^\s'"]+`)

// legible is what FFmpeg says, without the addresses in it: they may hold secrets.
func (s *Source) legible(text string) string {
	return addresses.ReplaceAllStringFunc(text, func(address string) string {
		if strings.HasPrefix(address, s.url) {
			return s.name
		}
		scheme, _, _ := strings.Cut(address, "://")
		return scheme + "://" + hostOf(address) + "/..."
	})
}

// readOptions are those of the demuxers and protocols; each takes what it knows.
func readOptions(allowed string) map[string]string {
	return map[string]string{
		"protocol_whitelist": allowed,
		"merge_pmt_versions": "1",       // MPEG-TS: a new program map goes on with the tracks that are there
		"analyzeduration":    "2000000", // us; live inputs that declare a track without data would take all of the default
	}
}

func locateFile(path string) (location, error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return location{}, fmt.Errorf("%w: check the name", fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return location{}, fmt.Errorf("%w: its folder may not be entered; check the permissions", fs.ErrPermission)
	case err != nil:
		return location{}, fmt.Errorf("look at the file: %w", err)
	case st.IsDir():
		return location{}, fmt.Errorf("%w: name the files in it", ErrDirectory)
	case !st.Mode().IsRegular():
		return location{}, fmt.Errorf("%w: neither a file nor an address; write pipes and devices to a file first", ErrAddress)
	case st.Size() == 0:
		return location{}, fmt.Errorf("%w: its writer may not have begun; try again later, or make it anew", ErrEmpty)
	}
	f, err := os.Open(path)
	if err != nil {
		return location{}, fmt.Errorf("%w: make it readable for this user", errors.Unwrap(err))
	}
	f.Close()
	return location{"file:" + path, readOptions(fileProtocols)}, nil
}

// openError says why opening failed, as far as FFmpeg's codes and log tell.
func (s *Source) openError(ctx context.Context, err error) error {
	lines, _ := s.in.log()
	said := ""
	for _, l := range lines {
		s.log.Debug("ffmpeg", "source", s.name, "from", l.from, "says", s.legible(l.text))
		said += l.text
	}
	distrusted := s.distrust()
	switch refused, unresolved := s.gate.refusal(), s.gate.unresolved(); {
	case refused != nil && ctx.Err() == nil:
		return refused
	case ctx.Err() != nil:
		return ctx.Err()
	case s.in.timedOut():
		return fmt.Errorf("%w (%v): check the address and the network, or raise the stall timeout", ErrStalled, s.options.StallTimeout)
	case distrusted != nil:
		return distrusted
	case unresolved != nil:
		return fmt.Errorf("%w: check the name, or the name server", unresolved)
	case strings.Contains(said, "moov atom not found") && (s.options.Input != nil || beginsAsMP4(s.url)):
		return fmt.Errorf("%w (no moov): the recording or the copy was broken off; copy it again, or repair it with the original recorder", ErrCutShort)
	case strings.Contains(said, "not on whitelist"):
		return fmt.Errorf("%w: it leads to a protocol that is not allowed here (%w); playlists may name only what lies where they lie", ErrAddress, err)
	case errors.Is(err, astiav.ErrHttpNotFound):
		return fmt.Errorf("%w (%v): check the address", fs.ErrNotExist, err)
	case errors.Is(err, astiav.ErrHttpForbidden), errors.Is(err, astiav.ErrHttpUnauthorized):
		return fmt.Errorf("%w (%v): the server wants other credentials", fs.ErrPermission, err)
	case errors.Is(err, astiav.ErrInvaliddata):
		return fmt.Errorf("%w (garbage, or encrypted, or not video or sound at all): play it in another program to see", ErrNotMedia)
	case errors.Is(err, astiav.ErrEof), s.local && errors.Is(err, astiav.ErrEio):
		return fmt.Errorf("%w (it ends within its header, or the header is damaged): copy or record it again", ErrNotMedia)
	}
	return err
}

// beginsAsMP4 tells a broken MP4 from something else under its name.
func beginsAsMP4(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // over the network FFmpeg's word must do
	}
	defer f.Close()
	var box [8]byte
	if _, err := io.ReadFull(f, box[:]); err != nil {
		return false
	}
	return slices.Contains([]string{"ftyp", "mdat", "moof", "free", "skip", "wide", "styp", "sidx"}, string(box[4:]))
}

// noTracks says what there is instead.
func noTracks(i Info, why error) error {
	var found []string
	for _, t := range i.Tracks {
		if t.Cover {
			found = append(found, "cover art")
			continue
		}
		found = append(found, t.Kind.String()+" "+t.Codec)
	}
	if len(found) == 0 {
		found = []string{"nothing"}
	}
	err := fmt.Errorf("%w: found %s; convert it to a common codec first", ErrNoTracks, strings.Join(found, ", "))
	if why != nil {
		err = fmt.Errorf("%w (%w)", err, why)
	}
	return err
}
