package journal

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
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
	if s.keeps(ctx, key, len(e.GetData())) {
		return nil
	}
	messages, err := pictureMessages(key, e)
	if err == nil {
		_, err = j.pictures.append(ctx, messages...)
	}
	return err
}

func (s *session) keeps(ctx context.Context, key string, size int) bool {
	ctx, cancel := context.WithTimeout(ctx, s.options.ackTimeout)
	defer cancel()
	info, err := s.pictures.GetInfo(ctx, key)
	return err == nil && info.Size == uint64(size)
}

// pieceBytes is how much of a picture one message holds.
const pieceBytes = 128 << 10

// pictureMessages is a picture as every client of an object store expects it (NATS
// ADR-20): its pieces, then its description. The client's own Put would sync each of
// them, and leaves a goroutine behind for as long as the connection lives.
func pictureMessages(key string, e *streamvetv1.Evidence) ([]outgoing, error) {
	// New for each try, so that what a failed one left is not part of this picture.
	// Retention removes it.
	id := nuid.Next()
	digest := sha256.New()
	digest.Write(e.GetData())
	info := jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{
			Name:     key,
			Metadata: map[string]string{mediaTypeKey: e.GetMediaType(), atKey: e.GetAt().AsDuration().String()},
			Opts:     &jetstream.ObjectMetaOptions{ChunkSize: pieceBytes},
		},
		Bucket: evidenceBucket, NUID: id, Size: uint64(len(e.GetData())), Digest: jetstream.GetObjectDigestValue(digest),
	}
	var messages []outgoing
	for piece := range slices.Chunk(e.GetData(), pieceBytes) {
		messages = append(messages, outgoing{subject: evidencePieces + id, body: piece})
	}
	info.Chunks = uint32(len(messages))
	description, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	return append(messages, outgoing{
		subject: evidenceNames + base64.URLEncoding.EncodeToString([]byte(key)), body: description, rollup: true,
	}), nil
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
