package reload

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// Disk is the machine's file system. Unlike that of [os.DirFS], its names are any paths of files.
type Disk struct{}

// Open implements [fs.FS].
func (Disk) Open(name string) (fs.File, error) { return os.Open(name) } //nolint:gosec // the operator names it

// Stat implements [fs.StatFS].
func (Disk) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// UnfitError says why a file that is there is not read.
type UnfitError string

// Error returns a sentence about the file that does not name it.
func (e UnfitError) Error() string { return string(e) }

// Content returns the content of a regular file of up to most bytes; others give an UnfitError. Its errors are
// fs.PathErrors, whose wrapped errors do not name the file.
func Content(files fs.FS, name string, most int) ([]byte, error) {
	info, err := fs.Stat(files, name) // before it is opened: opening a pipe would wait for its writer
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: name, Err: UnfitError("it is not a regular file")}
	}
	opened, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	content, err := io.ReadAll(io.LimitReader(opened, int64(most)+1))
	if err == nil && len(content) > most {
		return nil, &fs.PathError{Op: "read", Path: name, Err: UnfitError(fmt.Sprintf("it is larger than %d bytes", most))}
	}
	return content, err
}

// State returns what [Files.State] needs for files of up to most bytes each.
func State(files fs.FS, most int, names ...string) string {
	digest := NewDigest()
	for _, name := range names {
		content, err := Content(files, name, most)
		if err != nil {
			content = []byte("cannot be read")
		}
		digest.Add([]byte(name), content)
	}
	return digest.Sum()
}

// Digest hashes a sequence of parts. Different sequences never hash the same bytes.
type Digest struct {
	hash hash.Hash
}

// NewDigest returns a Digest of these parts so far.
func NewDigest(parts ...string) Digest {
	d := Digest{sha256.New()}
	for _, part := range parts {
		d.Add([]byte(part))
	}
	return d
}

// Add adds parts to the sequence.
func (d Digest) Add(parts ...[]byte) {
	for _, part := range parts {
		_ = binary.Write(d.hash, binary.BigEndian, uint64(len(part)))
		d.hash.Write(part)
	}
}

// Sum returns the digest, such as sha256:9b9c5ffd….
func (d Digest) Sum() string {
	return "sha256:" + hex.EncodeToString(d.hash.Sum(nil))
}
