package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// maxPicture is the largest picture that is kept.
const maxPicture = 4 << 20

// What the object store keeps beside a picture.
const (
	mediaTypeKey = "media_type"
	atKey        = "at"
)

// keepEvidence stores a picture under key, unless it lies there.
func (j *Journal) keepEvidence(ctx context.Context, key string, e *streamvetv1.Evidence) error {
	if len(e.GetData()) > maxPicture {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrInvalid, len(e.GetData()), maxPicture)
	}
	s, err := j.writable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, j.options.ackTimeout)
	defer cancel()
	defer context.AfterFunc(s.alive, cancel)()

	if info, err := s.pictures.GetInfo(ctx, key); err == nil && info.Size == uint64(len(e.GetData())) {
		return nil
	}
	_, err = s.pictures.Put(ctx, jetstream.ObjectMeta{
		Name:     key,
		Metadata: map[string]string{mediaTypeKey: e.GetMediaType(), atKey: e.GetAt().AsDuration().String()},
	}, bytes.NewReader(e.GetData()))
	if err == nil {
		return nil
	}
	s.doubt.Store(true)
	j.look()
	if _, trouble := j.writable(); trouble != nil {
		return trouble
	}
	return classify(err)
}

// Evidence gives the picture that a verdict names by its key.
func (j *Journal) Evidence(ctx context.Context, key string) (*streamvetv1.Evidence, error) {
	s, err := j.readable()
	if err != nil {
		return nil, fmt.Errorf("journal: evidence: %w", err)
	}
	e, err := s.picture(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("journal: picture %q: %w", key, err)
	}
	return e, nil
}

func (s *session) picture(ctx context.Context, key string) (*streamvetv1.Evidence, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	info, err := s.pictures.GetInfo(ctx, key)
	if err == nil {
		var data []byte
		if data, err = s.pictures.GetBytes(ctx, key); err == nil {
			at, _ := time.ParseDuration(info.Metadata[atKey])
			return &streamvetv1.Evidence{
				At:        durationpb.New(at),
				MediaType: info.Metadata[mediaTypeKey],
				Data:      data,
				Key:       key,
				SizeBytes: info.Size,
			}, nil
		}
	}
	// Retention takes a picture piece by piece, from its beginning.
	for _, gone := range []error{jetstream.ErrObjectNotFound, jetstream.ErrDigestMismatch, jetstream.ErrInvalidDigestFormat, jetstream.ErrNameRequired} {
		if errors.Is(err, gone) {
			return nil, ErrNotFound
		}
	}
	return nil, classify(err)
}
