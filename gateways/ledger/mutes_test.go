package ledger_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"dummyorders/domain/alert"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
)

// mutesOf returns the ids of the mutes that end after a time.
func mutesOf(t *testing.T, l *ledgerdb.Ledger, of identity.Merchants, after time.Time) (ids []string) {
	t.Helper()
	all, err := l.Mutes(t.Context(), of, after)
	require.NoError(t, err)
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	return ids
}

// aMute returns a mute of an hour.
func aMute(id, merchant string) alert.Mute {
	return alert.Mute{
		ID: id, Merchant: merchant, Type: alert.FraudDetected, CustomerID: "c-1", Reason: "load test", By: "ada", Begin: start, Until: start.Add(time.Hour),
	}
}

// Mutes are kept, listed to those who may see them until they end, ended once, and deleted long after.
func TestMutes(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l, acme := engine.migrated(t), identity.OnlyMerchants("acme")
			every, theirs := aMute("every", ""), aMute("theirs", "acme")
			theirs.Begin = theirs.Begin.Add(time.Minute)
			for _, m := range []alert.Mute{every, theirs, theirs} { // sent twice, after a lost answer
				kept, err := l.AddMute(t.Context(), m)
				require.NoError(t, err)
				assert.Equal(t, m, kept)
			}
			for _, merchant := range []string{"", "beta"} {
				_, err := l.AddMute(t.Context(), aMute("theirs", merchant))
				require.ErrorIs(t, err, alert.ErrOtherMute)
			}
			all, err := l.Mutes(t.Context(), identity.AllMerchants(), start)
			require.NoError(t, err)
			assert.Equal(t, []alert.Mute{theirs, every}, all)
			assert.Equal(t, []string{"theirs"}, mutesOf(t, l, acme, start))
			assert.Empty(t, mutesOf(t, l, identity.OnlyMerchants(), start))
			assert.Empty(t, mutesOf(t, l, identity.AllMerchants(), start.Add(time.Hour)), "they have ended")

			_, err = l.EndMute(t.Context(), acme, "every", "bob", start.Add(time.Minute))
			require.ErrorIs(t, err, alert.ErrNoMute)
			for _, by := range []string{"bob", "eve"} {
				ended, err := l.EndMute(t.Context(), acme, "theirs", by, start.Add(2*time.Minute))
				require.NoError(t, err)
				assert.Equal(t, []any{"bob", start.Add(2 * time.Minute)}, []any{ended.EndedBy, ended.Until})
			}
			assert.Equal(t, []string{"every"}, mutesOf(t, l, identity.AllMerchants(), start.Add(2*time.Minute)))

			late := aMute("late", "")
			late.Begin, late.Until = start.Add(32*24*time.Hour), start.Add(33*24*time.Hour)
			_, err = l.AddMute(t.Context(), late)
			require.NoError(t, err)
			assert.Equal(t, []string{"late"}, mutesOf(t, l, identity.AllMerchants(), time.Time{}))
		})
	}
}

// A merchant has so many mutes at most, and they leave the others' mutes room.
func TestManyMutes(t *testing.T) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			l := engine.migrated(t)
			for i := range alert.MostMutes {
				_, err := l.AddMute(t.Context(), aMute(strconv.Itoa(i), "acme"))
				require.NoError(t, err)
			}
			_, err := l.AddMute(t.Context(), aMute("0", "acme"))
			require.NoError(t, err, "it was kept before")
			_, err = l.AddMute(t.Context(), aMute("more", "acme"))
			require.ErrorIs(t, err, alert.ErrManyMutes)
			_, err = l.AddMute(t.Context(), aMute("every", ""))
			require.NoError(t, err)
			assert.Len(t, mutesOf(t, l, identity.AllMerchants(), start), alert.MostMutes+1)
			add := func(id string, after time.Duration) error {
				m := aMute(id, "acme")
				m.Begin, m.Until = start.Add(after), start.Add(after+time.Hour)
				_, err := l.AddMute(t.Context(), m)
				return err
			}
			for i := alert.MostMutes; i < alert.MostListed; i++ {
				require.NoError(t, add(strconv.Itoa(i), time.Duration(i/alert.MostMutes)*2*time.Hour), "those before have ended")
			}
			last := alert.MostListed / alert.MostMutes * 2 * time.Hour
			require.ErrorIs(t, add("more", last), alert.ErrManyMutes, "they are listed")
			require.NoError(t, add("later", 26*time.Hour), "the first ended more than a day before")
		})
	}
}

// The users of the API and of the desk mute for the merchants that they name; alertman's reads all and changes none.
func TestMuteRights(t *testing.T) {
	name := server.Database(t)
	for _, user := range []string{"orders_reader", "orders_desk", "orders_alertman"} {
		role(t, server.URL("postgres", name), user)
	}
	execute(t, server.URL("postgres", name), `GRANT orders_reader TO orders_desk`)
	require.NoError(t, connect(t, server.URL("postgres", name)).Migrate(t.Context()))
	alertman := connect(t, server.URL("orders_alertman", name))
	for _, user := range []string{"orders_reader", "orders_desk"} {
		l := connect(t, server.URL(user, name))
		for _, m := range []alert.Mute{aMute(user+" every", ""), aMute(user+" theirs", "acme")} {
			_, err := l.AddMute(t.Context(), m)
			require.NoError(t, err)
		}
		assert.Contains(t, mutesOf(t, alertman, identity.AllMerchants(), start), user+" every")
		ended, err := l.EndMute(t.Context(), identity.OnlyMerchants("acme"), user+" theirs", "bob", start.Add(time.Minute))
		require.NoError(t, err)
		assert.Equal(t, "bob", ended.EndedBy)
	}
	_, err := connect(t, server.URL("orders_reader", name)).AddMute(t.Context(), aMute("of acme", "acme"))
	require.NoError(t, err)
	const insert = "INSERT INTO mutes VALUES ('new', '', '%s', '', '', '', now(), clock_timestamp(), '')"
	executeForAcme(t, server.URL("orders_reader", name), map[string]statement{
		"those that are seen": {statement: "UPDATE mutes SET until = now()", changed: 3},
		"one of its own":      {statement: fmt.Sprintf(insert, "acme"), changed: 1},
		"one of another's":    {statement: fmt.Sprintf(insert, "beta"), refused: "row-level security"},
		"one of all":          {statement: fmt.Sprintf(insert, ""), refused: "row-level security"},
		"moved":               {statement: "UPDATE mutes SET merchant = ''", refused: "permission denied"},
		"those of all":        {statement: "DELETE FROM mutes WHERE merchant = ''"},
	})
	_, err = alertman.AddMute(t.Context(), aMute("own", ""))
	require.ErrorContains(t, err, "permission denied")
	_, err = alertman.EndMute(t.Context(), identity.AllMerchants(), "orders_reader every", "eve", start)
	require.ErrorContains(t, err, "permission denied")
}
