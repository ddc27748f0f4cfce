package server

import (
	"net"
	"os"
)

// notify tells systemd how the server does ("READY=1", "STOPPING=1"), where it
// started it and wants to know.
func (s *Server) notify(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(state))
		conn.Close()
	}
	if err != nil {
		s.log.Warn("systemd could not be told", "state", state, "error", err)
	}
}
