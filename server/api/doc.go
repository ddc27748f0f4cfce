// Package api is the gRPC services of a server, over its registry of sources, its
// journal and its engine. docs/api.md says what they promise; that requests keep
// the rules of their messages, and that callers have the role of a method, is
// seen to before (server/access).
package api
