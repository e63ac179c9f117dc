// Checks the published token vectors without any of our code: Go's standard library only.
//
//	go run . ../vectors
//
// For each file: the header is exactly alg, kid and typ; the payload is the canonical text and decodes to the claims;
// the hash and the kid (RFC 7638) are those of the text and the key; the Ed25519 signature (RFC 8037) verifies, and
// does not once a bit is flipped. Prints one line a file; exits 1 at the first that fails.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

type vector struct {
	Typ       string         `json:"typ"`
	Claims    map[string]any `json:"claims"`
	Canonical string         `json:"canonical"`
	Hash      string         `json:"hash"`
	Key       struct {
		Kty, Crv, X, Kid string
	} `json:"key"`
	Jws string `json:"jws"`
}

var b64 = base64.RawURLEncoding.Strict()

func main() {
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*.json"))
	if err != nil || len(files) == 0 {
		fail("no vectors in %s", os.Args[1])
	}
	for _, file := range files {
		if err := check(file); err != nil {
			fail("%s: %v", filepath.Base(file), err)
		}
		fmt.Println("ok", filepath.Base(file))
	}
}

func check(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var v vector
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	parts := strings.Split(v.Jws, ".")
	if len(parts) != 3 {
		return fmt.Errorf("the JWS has %d parts", len(parts))
	}
	header, err := b64.DecodeString(parts[0])
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":%q}`, v.Key.Kid, v.Typ); string(header) != want {
		return fmt.Errorf("header is %s", header)
	}
	payload, err := b64.DecodeString(parts[1])
	if err != nil {
		return err
	}
	if string(payload) != v.Canonical {
		return fmt.Errorf("the payload is not the canonical text")
	}
	return checkContent(v, parts, payload)
}

func checkContent(v vector, parts []string, payload []byte) error {
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	if !reflect.DeepEqual(claims, v.Claims) {
		return fmt.Errorf("the payload says other claims")
	}
	// Go writes members sorted, without white space, and integers plainly: RFC 8785 for what the examples hold.
	var again bytes.Buffer
	encoder := json.NewEncoder(&again)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(claims); err != nil {
		return err
	}
	if strings.TrimSpace(again.String()) != v.Canonical {
		return fmt.Errorf("the text is not canonical: %s", again.String())
	}
	if sum := sha256.Sum256(payload); b64.EncodeToString(sum[:]) != v.Hash {
		return fmt.Errorf("wrong hash")
	}
	thumbprint := sha256.Sum256([]byte(fmt.Sprintf(`{"crv":%q,"kty":%q,"x":%q}`, v.Key.Crv, v.Key.Kty, v.Key.X)))
	if b64.EncodeToString(thumbprint[:]) != v.Key.Kid {
		return fmt.Errorf("kid is not the RFC 7638 thumbprint")
	}
	key, err := b64.DecodeString(v.Key.X)
	if err != nil {
		return err
	}
	signature, err := b64.DecodeString(parts[2])
	if err != nil {
		return err
	}
	input := []byte(parts[0] + "." + parts[1])
	if !ed25519.Verify(key, input, signature) {
		return fmt.Errorf("the signature does not verify")
	}
	input[len(input)-1] ^= 1
	if ed25519.Verify(key, input, signature) {
		return fmt.Errorf("a changed payload verifies")
	}
	return nil
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
