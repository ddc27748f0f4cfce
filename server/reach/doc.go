// Package reach decides where a server may read from: which files, which
// addresses, by which protocols. A name is judged by what it resolves to at the
// moment of the connection, so that neither DNS nor a redirect nor a playlist
// leads to where an address may not.
package reach
