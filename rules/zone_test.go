package rules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rules go by the program's time zones. Time zone data from before 2024 puts Almaty six hours ahead of UTC, but now it
// is five. Go reads ZONEINFO only once in a process, so the test starts a process of its own.
func TestTimeZones(t *testing.T) {
	if os.Getenv("ZONEINFO") == "" {
		machine := filepath.Join(t.TempDir(), "Asia")
		require.NoError(t, os.Mkdir(machine, 0o755))
		outdated := "TZif" + strings.Repeat("\x00", 16+4*4) + "\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x54\x60\x00\x00+06\x00"
		require.NoError(t, os.WriteFile(filepath.Join(machine, "Almaty"), []byte(outdated), 0o644))
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		again.Env = append(os.Environ(), "ZONEINFO="+filepath.Dir(machine))
		said, err := again.CombinedOutput()
		require.NoError(t, err, string(said))
		return
	}
	for _, when := range []string{
		`at.getHours("Asia/Almaty") == 17`,
		`timestamp("2026-12-31T18:30:00Z").getHours("Asia/Almaty") == 23`,
		`timestamp("2026-12-31T18:30:00Z").getFullYear("Asia/Almaty") == 2026`,
		`[at].exists(t, t.getHours("Asia/Almaty") == 17)`,
		`(at + duration("1h")).getHours("Asia/Almaty") == 18`,
	} {
		require.Equal(t, 1, evaluate(plain.rule("'"+when+"'", "score: 1").read(t), nil).Score, when)
	}
}
