package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// bundle has every member of docs/reference/bundle.md: the decoder refuses any other.
type bundle struct {
	V       int    `json:"v"`
	Domain  string `json:"domain"`
	Subject struct {
		Kind string `json:"kind"`
		ID   string `json:"id"`
	} `json:"subject"`
	Proof struct {
		Artifact struct {
			Claims string  `json:"claims"`
			Token  *string `json:"token"`
		} `json:"artifact"`
		Intent   string `json:"intent"`
		Decision struct {
			DecisionID   string  `json:"decision_id"`
			IntentID     string  `json:"intent_id"`
			Outcome      string  `json:"outcome"`
			Code         *string `json:"code"`
			Field        *string `json:"field"`
			Supersedes   *string `json:"supersedes"`
			AppendedAt   int64   `json:"appended_at"`
			JudgedAt     int64   `json:"judged_at"`
			ReadSet      *string `json:"read_set"`
			DecisionHash string  `json:"decision_hash"`
			LeafHash     string  `json:"leaf_hash"`
		} `json:"decision"`
		Settlements []struct {
			SettlementID string  `json:"settlement_id"`
			Attempt      int     `json:"attempt"`
			Request      string  `json:"request"`
			Claims       string  `json:"claims"`
			Receipt      *string `json:"receipt"`
			LeafHash     string  `json:"leaf_hash"`
		} `json:"settlements"`
		Outcomes []struct {
			OutcomeID    string  `json:"outcome_id"`
			SettlementID string  `json:"settlement_id"`
			Token        *string `json:"token"`
			LeafHash     string  `json:"leaf_hash"`
		} `json:"outcomes"`
	} `json:"proof"`
	Synchronization struct {
		StatusList *string `json:"status_list"`
		Checkpoint struct {
			Size int64  `json:"size"`
			Root string `json:"root"`
		} `json:"checkpoint"`
		Consistency *struct {
			Size  int64    `json:"size"`
			Root  string   `json:"root"`
			Proof []string `json:"proof"`
		} `json:"consistency"`
	} `json:"synchronization"`
	Lineage struct {
		Leaves   []bundledLeaf `json:"leaves"`
		Redacted int           `json:"redacted"`
	} `json:"lineage"`
	Audit struct {
		Inclusion []struct {
			Index int64    `json:"index"`
			Proof []string `json:"proof"`
		} `json:"inclusion"`
	} `json:"audit"`
	Persistence struct {
		Note        string   `json:"note"`
		LogKey      string   `json:"log_key"`
		WitnessedBy []string `json:"witnessed_by"`
	} `json:"persistence"`
	Keys []bundledKey `json:"keys"`
}

type bundledLeaf struct {
	Index   int64   `json:"index"`
	Leaf    string  `json:"leaf"`
	Payload *string `json:"payload"`
	Salt    *string `json:"salt"`
}

type bundledKey struct {
	Kid     string            `json:"kid"`
	Jwk     map[string]string `json:"jwk"`
	Party   string            `json:"party"`
	Purpose string            `json:"purpose"`
	Leaf    string            `json:"leaf"`
}

// judgeBundle answers for the core of a bundle: the artifact's signature by a key of the domain and the leaf that names
// it; and every leaf, its payload, the tree, its checkpoint and those who cosigned it. An empty text: it holds.
func judgeBundle(req request) answer {
	b, timed, err := parseBundle(req.Bundle)
	if err != nil {
		return answer{Artifact: err.Error(), Audit: err.Error()}
	}
	said := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	trusted := map[string]bool{}
	for _, kid := range req.Trust {
		trusted[kid] = true
	}
	keys := map[string]bundledKey{}
	for _, key := range b.Keys {
		if len(trusted) == 0 || trusted[key.Kid] {
			keys[key.Kid] = key
		}
	}
	audit := checkAudit(b, keys)
	if audit == nil && timed != nil {
		audit = checkRange(b, timed, keys)
	}
	if b.Subject.Kind == "incident" || timed != nil { // about no artifact
		return answer{Audit: said(audit)}
	}
	return answer{Artifact: said(checkArtifact(b, keys)), Audit: said(audit)}
}

func parseBundle(text string) (*bundle, *rangeProof, error) {
	text = strings.TrimSuffix(text, "\n")
	if again, err := canonical([]byte(text)); err != nil || again != text {
		return nil, nil, errors.New("not RFC 8785 text")
	}
	var version struct {
		V int `json:"v"`
	}
	if json.Unmarshal([]byte(text), &version) == nil && version.V == 2 {
		return parseKind(text)
	}
	var b bundle
	if err := strictly([]byte(text), &b); err != nil {
		return nil, nil, err
	}
	if b.V != 1 || b.Subject.Kind != "artifact" || len(b.Lineage.Leaves) == 0 {
		return nil, nil, errors.New("no bundle of this version")
	}
	return &b, nil, nil
}

// checkArtifact: strict form, a key of the domain for artifacts, Ed25519, and the decision's leaf names these claims.
func checkArtifact(b *bundle, keys map[string]bundledKey) error {
	if b.Proof.Artifact.Token == nil {
		return errors.New("no signed artifact")
	}
	payload, err := verifyToken(*b.Proof.Artifact.Token, "authorization-artifact+jwt", func(kid string) (bundledKey, bool) {
		key, known := keys[kid]
		return key, known && key.Purpose == "artifact" && key.Party == b.Domain
	})
	if err != nil {
		return err
	}
	text, err := canonical(payload)
	if err != nil || text != b.Proof.Artifact.Claims {
		return errors.New("other claims are signed")
	}
	var claims struct {
		Iss string `json:"iss"`
		Jti string `json:"jti"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.Iss != b.Domain || claims.Jti != b.Subject.ID {
		return errors.New("of another domain or subject")
	}
	for _, leaf := range b.Lineage.Leaves {
		if hash := tlog.RecordHash([]byte(leaf.Leaf)); b64.EncodeToString(hash[:]) != b.Proof.Decision.LeafHash {
			continue
		}
		var said struct {
			Artifact struct{ ID, Hash string } `json:"artifact"`
		}
		if leaf.Payload == nil || opens(leaf) != nil || json.Unmarshal([]byte(*leaf.Payload), &said) != nil {
			return errors.New("the decision's leaf does not open")
		}
		sum := sha256.Sum256([]byte(text))
		if said.Artifact.ID != claims.Jti || said.Artifact.Hash != b64.EncodeToString(sum[:]) {
			return errors.New("the leaf names another artifact")
		}
		return nil
	}
	return errors.New("no leaf of the decision")
}

// checkAudit: signed and cosigned checkpoint, no line of anybody else, each leaf in its place in the tree and open.
func checkAudit(b *bundle, keys map[string]bundledKey) error {
	tree, err := openCheckpoint(b, keys)
	if err != nil {
		return err
	}
	if older := b.Synchronization.Consistency; older != nil {
		root, err := hashOf(older.Root)
		if err != nil {
			return err
		}
		proof, err := hashesOf(older.Proof)
		if err != nil {
			return err
		}
		if older.Size == 0 { // golang.org/x/mod proves nothing of the empty tree, whose root is fixed
			if root != sha256.Sum256(nil) || len(proof) > 0 {
				return errors.New("not the empty tree")
			}
		} else if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.Size, root); err != nil {
			return err
		}
	}
	if len(b.Audit.Inclusion) != len(b.Lineage.Leaves) {
		return errors.New("not as many proofs as leaves")
	}
	before := int64(-1)
	for at, leaf := range b.Lineage.Leaves {
		inclusion := b.Audit.Inclusion[at]
		proof, err := hashesOf(inclusion.Proof)
		if err != nil {
			return err
		}
		if leaf.Index <= before || inclusion.Index != leaf.Index || leaf.Index >= tree.N {
			return fmt.Errorf("leaf %d is out of order", leaf.Index)
		}
		before = leaf.Index
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, leaf.Index, tlog.RecordHash([]byte(leaf.Leaf))); err != nil {
			return fmt.Errorf("leaf %d: %v", leaf.Index, err)
		}
		if err := opens(leaf); err != nil {
			return fmt.Errorf("leaf %d: %v", leaf.Index, err)
		}
	}
	return nil
}

func openCheckpoint(b *bundle, keys map[string]bundledKey) (tlog.Tree, error) {
	none := tlog.Tree{}
	verifiers, named, err := logVerifiers(b, keys)
	if err != nil {
		return none, err
	}
	if !named {
		return none, errors.New("log_key is no key of the domain")
	}
	for _, text := range b.Persistence.WitnessedBy {
		witness, err := newWitness(text)
		if err != nil {
			return none, err
		}
		verifiers = append(verifiers, witness)
	}
	opened, err := note.Open([]byte(b.Persistence.Note), note.VerifierList(verifiers...))
	if err != nil {
		return none, err
	}
	if len(opened.UnverifiedSigs) > 0 || len(opened.Sigs) != 1+len(b.Persistence.WitnessedBy) {
		return none, errors.New("the note's lines are not those of the log and of the witnesses named")
	}
	tree, err := treeOf(b, opened.Text)
	stated := b.Synchronization.Checkpoint
	if err != nil || tree.N != stated.Size || b64.EncodeToString(tree.Hash[:]) != stated.Root {
		return none, errors.New("the note is of another tree")
	}
	return tree, nil
}

// logVerifiers: the checkpoint keys of the domain, and whether the one the bundle names is among them.
func logVerifiers(b *bundle, keys map[string]bundledKey) (verifiers []note.Verifier, named bool, err error) {
	origin := originOf(b)
	for _, key := range keys {
		x, err := b64.DecodeString(key.Jwk["x"])
		if err != nil || key.Purpose != "checkpoint" || key.Party != b.Domain || key.Jwk["kty"] != "OKP" {
			continue
		}
		vkey, err := note.NewEd25519VerifierKey(origin, x)
		if err != nil {
			return nil, false, err
		}
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return nil, false, err
		}
		named = named || vkey == b.Persistence.LogKey
		verifiers = append(verifiers, verifier)
	}
	return verifiers, named, nil
}

func originOf(b *bundle) string {
	return strings.TrimRight(strings.TrimPrefix(b.Domain, "https://"), "/")
}

// treeOf: a checkpoint has a line for its origin where the module database has a fixed word; the rest is the same.
func treeOf(b *bundle, text string) (tlog.Tree, error) {
	rest, found := strings.CutPrefix(text, originOf(b)+"\n")
	if !found {
		return tlog.Tree{}, errors.New("the note is of another log")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

// opens: redacted with its salt, or the very payload the leaf commits to.
func opens(leaf bundledLeaf) error {
	if leaf.Payload == nil && leaf.Salt == nil {
		return nil
	}
	if leaf.Payload == nil || leaf.Salt == nil {
		return errors.New("a payload without salt, or a salt without payload")
	}
	var said struct{ Commitment string }
	salt, err := b64.DecodeString(*leaf.Salt)
	if err != nil || len(salt) != 32 || json.Unmarshal([]byte(leaf.Leaf), &said) != nil {
		return errors.New("malformed")
	}
	sum := sha256.Sum256(append(append([]byte{2}, salt...), *leaf.Payload...))
	if b64.EncodeToString(sum[:]) != said.Commitment {
		return errors.New("it commits to another payload")
	}
	return nil
}

// canonical is RFC 8785 for what a bundle holds: Go sorts members too, and its numbers are integers.
func canonical(text []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return "", errors.New("more than one value")
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

var b64 = base64.RawURLEncoding.Strict()

func hashOf(text string) (hash tlog.Hash, err error) {
	raw, err := b64.DecodeString(text)
	if err == nil && len(raw) != len(hash) {
		err = errors.New("not a hash")
	}
	copy(hash[:], raw)
	return hash, err
}

func hashesOf(texts []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		hash, err := hashOf(text)
		if err != nil {
			return nil, err
		}
		hashes[i] = hash
	}
	return hashes, nil
}
