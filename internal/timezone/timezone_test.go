package timezone_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"dummyorders/internal/timezone"
)

// A zone is that of the program, whatever the machine has. On a machine with data from before 2024, Almaty is six hours
// ahead. Go reads ZONEINFO only once in a process, so this test runs itself in a process of its own.
func TestLoadIgnoresMachine(t *testing.T) {
	if os.Getenv("ZONEINFO") != "" {
		require.Equal(t, 6*60*60, ahead(t, time.LoadLocation), "of the machine")
		require.Equal(t, 5*60*60, ahead(t, timezone.Load))
		return
	}
	machine := filepath.Join(t.TempDir(), "Asia")
	require.NoError(t, os.Mkdir(machine, 0o755))
	outdated := "TZif" + strings.Repeat("\x00", 16+4*4) + "\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x54\x60\x00\x00+06\x00"
	require.NoError(t, os.WriteFile(filepath.Join(machine, "Almaty"), []byte(outdated), 0o644))
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), "ZONEINFO="+filepath.Dir(machine))
	said, err := again.CombinedOutput()
	require.NoError(t, err, string(said))
}

func ahead(t *testing.T, load func(string) (*time.Location, error)) int {
	t.Helper()
	zone, err := load("Asia/Almaty")
	require.NoError(t, err)
	_, offset := time.Date(2026, 11, 2, 18, 30, 0, 0, time.UTC).In(zone).Zone()
	return offset
}

// Zones are those of the database.
func TestLoad(t *testing.T) {
	for _, name := range []string{"", "UTC", "Asia/Kolkata", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT", "US/Pacific"} {
		zone, err := timezone.Load(name)
		require.NoError(t, err, name)
		if name != "" {
			require.Equal(t, name, zone.String())
		}
	}
	for _, name := range []string{"Local", "Asia", "Asia/", "/Asia/Kolkata", "../Asia/Kolkata", "asia/kolkata", "Mars/Olympus", ".", "\x00", "right/UTC"} {
		_, err := timezone.Load(name)
		require.ErrorContains(t, err, "is not known", name)
	}
}

// A new release of Go brings new rules for time zones: then run go generate to copy them.
func TestDatabaseIsThatOfGo(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	folder := filepath.Join(strings.TrimSpace(string(root)), "lib", "time")
	script, err := os.ReadFile(filepath.Join(folder, "update.bash"))
	if os.IsNotExist(err) {
		t.Skip("this installation of Go has no time zone database")
	}
	require.NoError(t, err)
	require.Contains(t, string(script), "\nDATA="+timezone.Version()+"\n", "run go generate ./internal/timezone")
	theirs, err := os.ReadFile(filepath.Join(folder, "zoneinfo.zip"))
	require.NoError(t, err)
	ours, err := os.ReadFile("zoneinfo.zip")
	require.NoError(t, err)
	require.True(t, bytes.Equal(theirs, ours), "run go generate ./internal/timezone")
}
