package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// verifyToken takes a compact JWS in its one spelling: three parts of canonical base64url, a header of exactly alg, kid
// and typ, each once, EdDSA (RFC 8037) or its newer name Ed25519 (RFC 9864). Keys of other kinds have no verdict here.
func verifyToken(token, typ string, find func(kid string) (bundledKey, bool)) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errors.New("not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		raw, err := b64.DecodeString(part)
		// Go's decoder skips line ends, which no spelling of ours has.
		if err != nil || b64.EncodeToString(raw) != part {
			return nil, fmt.Errorf("part %d is not canonical base64url", i)
		}
		decoded[i] = raw
	}
	header, err := readHeader(decoded[0])
	if err != nil {
		return nil, err
	}
	if header["typ"] != typ {
		return nil, errors.New("another typ")
	}
	if alg := header["alg"]; alg != "EdDSA" && alg != "Ed25519" {
		return nil, errors.New("another alg")
	}
	key, known := find(header["kid"])
	if !known {
		return nil, errors.New("no such key")
	}
	public, err := publicKey(key)
	if err != nil {
		return nil, err
	}
	if !ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), decoded[2]) {
		return nil, errors.New("the signature does not verify")
	}
	return decoded[1], nil
}

// readHeader reads members one by one: a decoder into a map would take the last of two alg.
func readHeader(text []byte) (map[string]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("the header is no object")
	}
	header := map[string]string{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		value, err := decoder.Token()
		text, isText := value.(string)
		key, _ := name.(string)
		if _, twice := header[key]; err != nil || !isText || twice || (key != "alg" && key != "kid" && key != "typ") {
			return nil, fmt.Errorf("header member %q", key)
		}
		header[key] = text
	}
	if _, err := decoder.Token(); err != nil || len(header) != 3 || decoder.More() {
		return nil, errors.New("the header is not alg, kid and typ")
	}
	return header, nil
}

// publicKey is an Ed25519 key whose id is its RFC 7638 thumbprint.
func publicKey(key bundledKey) (ed25519.PublicKey, error) {
	x, err := b64.DecodeString(key.Jwk["x"])
	if err != nil || len(x) != ed25519.PublicKeySize || key.Jwk["kty"] != "OKP" || key.Jwk["crv"] != "Ed25519" {
		return nil, errors.New("not an Ed25519 key")
	}
	thumbprint := sha256.Sum256([]byte(fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":%q}`, key.Jwk["x"])))
	if b64.EncodeToString(thumbprint[:]) != key.Kid {
		return nil, errors.New("kid is not its thumbprint")
	}
	return x, nil
}

const cosignatureV1 = 0x04

// witness verifies cosignature/v1 lines (C2SP tlog-cosignature), which golang.org/x/mod does not know.
type witness struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

var witnessKey = regexp.MustCompile(`^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$`)

func newWitness(text string) (*witness, error) {
	match := witnessKey.FindStringSubmatch(text)
	if match == nil {
		return nil, errors.New("no verifier key")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(match[3])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != cosignatureV1 {
		return nil, errors.New("no witness key")
	}
	sum := sha256.Sum256(append([]byte(match[1]+"\n"), raw...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != match[2] {
		return nil, errors.New("the key's id is not its own")
	}
	return &witness{name: match[1], hash: hash, public: raw[1:]}, nil
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }
func (w *witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	return ed25519.Verify(w.public, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)), signature[8:])
}
