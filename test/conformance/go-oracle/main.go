// Command go-oracle judges trees, proofs, tile paths and notes made by libs/audit-log with the Go project's own
// implementation (golang.org/x/mod/sumdb), and signatures and bundles with its standard library besides. One JSON case per line in, one
// JSON answer per line out, in order.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A case is a tree (leaves, with one leaf and one older size to prove), a note with the key to check it by, a tile to
// name, a whole bundle with the kids of the domain's keys that are trusted (none: all), or a token. Hashes are base64.
type request struct {
	Kind        string     `json:"kind"`
	Leaves      [][]byte   `json:"leaves"`
	Index       int64      `json:"index"`
	Size1       int64      `json:"size1"`
	Root        []byte     `json:"root"`
	Root1       []byte     `json:"root1"`
	Inclusion   [][]byte   `json:"inclusion"`
	Consistency [][]byte   `json:"consistency"`
	Note        string     `json:"note"`
	Key         string     `json:"key"`
	Level       int        `json:"level"`
	Width       int        `json:"width"`
	Bundle      string     `json:"bundle"`
	Trust       []string   `json:"trust"`
	Token       string     `json:"token"`
	Typ         string     `json:"typ"`
	Signer      bundledKey `json:"signer"`
}

type answer struct {
	Root        []byte   `json:"root,omitempty"`
	Inclusion   [][]byte `json:"inclusion,omitempty"`
	Consistency [][]byte `json:"consistency,omitempty"`
	Included    bool     `json:"included"`
	Consistent  bool     `json:"consistent"`
	Opened      bool     `json:"opened"`
	Text        string   `json:"text,omitempty"`
	Note        string   `json:"note,omitempty"`
	Key         string   `json:"key,omitempty"`
	Path        string   `json:"path,omitempty"`
	// What is wrong; empty: nothing.
	Artifact string `json:"artifact"`
	Audit    string `json:"audit"`
	Signed   bool   `json:"signed"`
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<16), 1<<26)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var req request
		if err := json.Unmarshal(in.Bytes(), &req); err != nil {
			fail(err)
		}
		if err := out.Encode(judge(req)); err != nil {
			fail(err)
		}
	}
	if err := in.Err(); err != nil {
		fail(err)
	}
}

func judge(req request) answer {
	switch req.Kind {
	case "tree":
		return judgeTree(req)
	case "note":
		return judgeNote(req)
	case "sign":
		return signNote(req)
	case "bundle":
		return judgeBundle(req)
	case "token":
		_, err := verifyToken(req.Token, req.Typ, func(kid string) (bundledKey, bool) { return req.Signer, kid == req.Signer.Kid })
		return answer{Signed: err == nil}
	case "path":
		tile := tlog.Tile{H: 8, L: req.Level, N: req.Index, W: req.Width}
		return answer{Path: strings.TrimPrefix(tile.Path(), "tile/8/")}
	}
	fail(fmt.Errorf("unknown kind %q", req.Kind))
	return answer{}
}

func judgeTree(req request) answer {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for n, leaf := range req.Leaves {
		hashes, err := tlog.StoredHashes(int64(n), leaf, read)
		must(err)
		stored = append(stored, hashes...)
	}
	size := int64(len(req.Leaves))
	root, err := tlog.TreeHash(size, read)
	must(err)
	inclusion, err := tlog.ProveRecord(size, req.Index, read)
	must(err)
	consistency, err := tlog.ProveTree(size, req.Size1, read)
	must(err)
	leaf := tlog.RecordHash(req.Leaves[req.Index])
	given := func(hashes [][]byte) []tlog.Hash {
		list := make([]tlog.Hash, len(hashes))
		for i, hash := range hashes {
			list[i] = toHash(hash)
		}
		return list
	}
	return answer{
		Root:        root[:],
		Inclusion:   toBytes(inclusion),
		Consistency: toBytes(consistency),
		Included:    tlog.CheckRecord(given(req.Inclusion), size, toHash(req.Root), req.Index, leaf) == nil,
		Consistent:  tlog.CheckTree(given(req.Consistency), size, toHash(req.Root), req.Size1, toHash(req.Root1)) == nil,
	}
}

func judgeNote(req request) answer {
	verifier, err := note.NewVerifier(req.Key)
	must(err)
	opened, err := note.Open([]byte(req.Note), note.VerifierList(verifier))
	if err != nil {
		return answer{}
	}
	return answer{Opened: true, Text: opened.Text}
}

// signNote signs with a key made from fixed bytes: the same input always gives the same note.
func signNote(req request) answer {
	secret, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), req.Key)
	must(err)
	signer, err := note.NewSigner(secret)
	must(err)
	signed, err := note.Sign(&note.Note{Text: req.Note}, signer)
	must(err)
	return answer{Note: string(signed), Key: public}
}

func toHash(bytes []byte) (hash tlog.Hash) {
	copy(hash[:], bytes)
	return hash
}

func toBytes(hashes []tlog.Hash) [][]byte {
	list := make([][]byte, len(hashes))
	for i := range hashes {
		list[i] = hashes[i][:]
	}
	return list
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "go-oracle:", err)
	os.Exit(1)
}
