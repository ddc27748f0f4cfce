#!/usr/bin/env python3
"""rtsp.py PORT CLIP [LOSS]: serves CLIP (MP4 with H.264 and AAC) at rtsp://127.0.0.1:PORT/live,
leaving out the share LOSS of the packets of its picture. --check tells by its status whether it could."""
import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError):
    sys.exit(1)

Gst.init(None)
if sys.argv[1] == "--check":
    sys.exit(0 if all(map(Gst.ElementFactory.find, ("qtdemux", "rtph264pay", "rtpmp4gpay"))) else 1)

port, clip = sys.argv[1:3]
loss = float(sys.argv[3]) if len(sys.argv) > 3 else 0
video = "rtph264pay pt=96 config-interval=1 "
video += f"! identity drop-probability={loss} name=pay0" if loss else "name=pay0"
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( filesrc location={clip} ! qtdemux name=d "
    f"d.video_0 ! queue ! {video} d.audio_0 ! queue ! rtpmp4gpay pt=97 name=pay1 )"
)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
GLib.MainLoop().run()
