// Package livetest holds the engine's live sources against real peers: FFmpeg,
// GStreamer's RTSP server, nginx with its RTMP module, and SRT's own tools. It has
// tests alone; scripts/peers.sh installs what they need.
package livetest
