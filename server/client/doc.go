// Package client speaks to a streamvet server. What it adds to the generated
// stubs of proto/streamvet/v1 is a connection with sensible settings, and Follow,
// which follows verdicts and loses none: it resumes by itself, whatever ends a call.
//
//	c, err := client.Dial(client.Options{Address: "127.0.0.1:7171", Plaintext: true})
//	...
//	err = c.Follow(ctx, client.Following{From: client.FromStart()}, func(e client.Event) error {
//		if r := e.Record; r != nil {
//			fmt.Println(r.GetVerdict().GetSource(), r.GetVerdict().GetDefect())
//		}
//		return save(e.Place) // to go on from there after a restart
//	})
package client
