package reach

import "net/netip"

// metadata is where clouds tell their machines what is secret: link-local, private
// and even public addresses that answer inside alone.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // most of them
	netip.MustParseAddr("169.254.170.2"),   // AWS, containers
	netip.MustParseAddr("169.254.170.23"),  // AWS, pods
	netip.MustParseAddr("169.254.0.23"),    // Tencent
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::23"),    // AWS, pods
	netip.MustParseAddr("fd20:ce::254"),    // Google
}

// kinds are networks that are not the public internet, by IANA's registries of
// special-purpose addresses; the first that fits.
var kinds = []struct {
	what     string
	networks []netip.Prefix
}{
	{"this machine", prefixes("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128")},
	{"link-local", prefixes("169.254.0.0/16", "fe80::/10")},
	{"private", prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")},
	{"multicast", prefixes("224.0.0.0/4", "ff00::/8")},
	{"not for the public", prefixes(
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
	)},
}

func prefixes(all ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, s := range all {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

// special says what kind of address a is; "" for one of the public internet.
func special(a netip.Addr) string {
	for _, k := range kinds {
		if within(k.networks, a) {
			return k.what
		}
	}
	return ""
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixTo      = netip.MustParsePrefix("2002::/16")
	compatible = netip.MustParsePrefix("::/96")
)

// embedded gives the IPv4 address that an address of IPv6 leads to.
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case a.Is4():
		return a, false
	case nat64.Contains(a), compatible.Contains(a) && special(a) == "":
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixTo.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return a, false
}
