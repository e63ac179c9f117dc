package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// kindBundle is a bundle of version 2: what all kinds have, and what each has of its own still to be read.
type kindBundle struct {
	V               int             `json:"v"`
	Domain          string          `json:"domain"`
	Subject         json.RawMessage `json:"subject"`
	Proof           json.RawMessage `json:"proof"`
	Synchronization json.RawMessage `json:"synchronization"`
	Lineage         json.RawMessage `json:"lineage"`
	Audit           json.RawMessage `json:"audit"`
	Persistence     json.RawMessage `json:"persistence"`
	Keys            json.RawMessage `json:"keys"`
}

type rangeProof struct {
	Start  *rangeBound     `json:"start"`
	End    rangeBound      `json:"end"`
	Counts json.RawMessage `json:"counts"`
	Sums   json.RawMessage `json:"sums"`
}

type rangeBound struct {
	Size        int64    `json:"size"`
	Root        string   `json:"root"`
	Note        string   `json:"note"`
	Consistency []string `json:"consistency"`
}

// parseKind reads a bundle of version 2. The artifact's part of a settlement's is read as an artifact's is.
func parseKind(text string) (*bundle, *rangeProof, error) {
	var raw kindBundle
	if err := strictly([]byte(text), &raw); err != nil {
		return nil, nil, err
	}
	b := &bundle{V: raw.V, Domain: raw.Domain}
	parts := []struct {
		from json.RawMessage
		to   any
	}{
		{raw.Synchronization, &b.Synchronization}, {raw.Lineage, &b.Lineage}, {raw.Audit, &b.Audit},
		{raw.Persistence, &b.Persistence}, {raw.Keys, &b.Keys},
	}
	for _, part := range parts {
		if err := strictly(part.from, part.to); err != nil {
			return nil, nil, err
		}
	}
	if err := json.Unmarshal(raw.Subject, &b.Subject); err != nil {
		return nil, nil, err
	}
	if raw.V != 2 || len(b.Lineage.Leaves) == 0 {
		return nil, nil, errors.New("no bundle of this version")
	}
	switch b.Subject.Kind {
	case "settlement":
		if err := json.Unmarshal(raw.Proof, &b.Proof); err != nil {
			return nil, nil, err
		}
		var claims struct {
			Jti string `json:"jti"`
		}
		if err := json.Unmarshal([]byte(b.Proof.Artifact.Claims), &claims); err != nil {
			return nil, nil, err
		}
		b.Subject.ID = claims.Jti
		return b, nil, nil
	case "incident":
		return b, nil, nil
	case "range":
		var proof rangeProof
		if err := strictly(raw.Proof, &proof); err != nil {
			return nil, nil, err
		}
		return b, &proof, nil
	}
	return nil, nil, fmt.Errorf("no kind %q", b.Subject.Kind)
}

func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// checkRange: both bounds signed by the log, one tree after the other, and every leaf between them, in its place.
func checkRange(b *bundle, proof *rangeProof, keys map[string]bundledKey) error {
	end, err := openBound(b, proof.End, keys)
	if err != nil {
		return fmt.Errorf("end: %v", err)
	}
	head, err := hashOf(b.Synchronization.Checkpoint.Root)
	if err != nil {
		return err
	}
	if err := continues(proof.End.Consistency, tlog.Tree{N: b.Synchronization.Checkpoint.Size, Hash: head}, end); err != nil {
		return fmt.Errorf("end: %v", err)
	}
	first := int64(0)
	if proof.Start != nil {
		start, err := openBound(b, *proof.Start, keys)
		if err != nil {
			return fmt.Errorf("start: %v", err)
		}
		if err := continues(proof.Start.Consistency, end, start); err != nil {
			return fmt.Errorf("start: %v", err)
		}
		first = start.N
	}
	next := first
	for _, leaf := range b.Lineage.Leaves {
		if leaf.Index < first || leaf.Index >= end.N {
			continue
		}
		if leaf.Index != next {
			return fmt.Errorf("leaf %d is missing", next)
		}
		next++
	}
	if next != end.N {
		return fmt.Errorf("leaf %d is missing", next)
	}
	return nil
}

func continues(proof []string, newer, older tlog.Tree) error {
	hashes, err := hashesOf(proof)
	if err != nil {
		return err
	}
	if newer.N == older.N { // golang.org/x/mod wants no proof of that, and no other root
		if len(hashes) > 0 || newer.Hash != older.Hash {
			return errors.New("another tree of that size")
		}
		return nil
	}
	return tlog.CheckTree(hashes, newer.N, newer.Hash, older.N, older.Hash)
}

// openBound opens a checkpoint no witness is named for: signed by keys of the log and by nobody else.
func openBound(b *bundle, bound rangeBound, keys map[string]bundledKey) (tlog.Tree, error) {
	none := tlog.Tree{}
	verifiers, _, err := logVerifiers(b, keys)
	if err != nil {
		return none, err
	}
	opened, err := note.Open([]byte(bound.Note), note.VerifierList(verifiers...))
	if err != nil {
		return none, err
	}
	if len(opened.UnverifiedSigs) > 0 {
		return none, errors.New("a line of somebody else")
	}
	tree, err := treeOf(b, opened.Text)
	if err != nil || tree.N != bound.Size || b64.EncodeToString(tree.Hash[:]) != bound.Root {
		return none, errors.New("the note is of another tree")
	}
	return tree, nil
}
