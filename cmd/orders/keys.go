package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"dummyorders/domain/audit"
	"dummyorders/domain/identity"
	ledgerdb "dummyorders/gateways/ledger"
)

type merchantsCommand struct {
	Add     addMerchantCommand     `cmd:"" help:"Add a merchant."`
	List    listMerchantsCommand   `cmd:"" help:"List the merchants."`
	Disable disableMerchantCommand `cmd:"" help:"Have the keys of a merchant's clients refused, within five seconds. What it has stays, and people go on reading it."`
	Enable  enableMerchantCommand  `cmd:"" help:"Have the keys of a disabled merchant's clients taken again."`
}

type keysCommand struct {
	New    newKeyCommand    `cmd:"" help:"Make a key for a client, and print it, this once."`
	List   listKeysCommand  `cmd:"" help:"List keys: whose they are, what they may do, and whether they are in use."`
	Roll   rollKeyCommand   `cmd:"" help:"Make a second key for a client and print it, this once; the first goes on for a while."`
	Revoke revokeKeyCommand `cmd:"" help:"Have a key refused for good, within five seconds."`
}

// commandPatience bounds how long a command waits for the ledger.
const commandPatience = 30 * time.Second

// withMerchants runs a command on the ledger in which merchants, clients and keys are kept.
func withMerchants(ctx context.Context, do func(context.Context, *ledgerdb.Ledger) error) error {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	return withLedger(ctx, do)
}

// name is a flag or argument that takes the name of a merchant or client.
type name string

// UnmarshalText checks a name.
func (n *name) UnmarshalText(text []byte) error {
	if *n = name(text); !identity.IsName(string(text)) {
		return fmt.Errorf("%q must be 1 to 64 letters, digits, - and _", text)
	}
	return nil
}

// scopes is a flag that takes scopes.
type scopes []identity.Scope

// UnmarshalText parses scopes with commas between them.
func (s *scopes) UnmarshalText(text []byte) error {
	read, right := readScopes(string(text))
	if right != "" {
		return fmt.Errorf("%q must be %s", text, right)
	}
	*s = read
	return nil
}

// lifetime is a flag that takes a duration, such as 24h or 90d.
type lifetime struct {
	time.Duration
}

// UnmarshalText parses a duration.
func (l *lifetime) UnmarshalText(text []byte) (err error) {
	if l.Duration, err = span(string(text)); err != nil || l.Duration <= 0 {
		return fmt.Errorf("%q must be a duration, such as 24h or 90d", text)
	}
	return nil
}

// from returns the end of a lifetime that begins at a time. It is zero for none.
func (l lifetime) from(begin time.Time) time.Time {
	if l.Duration == 0 {
		return time.Time{}
	}
	return begin.Add(l.Duration)
}

type addMerchantCommand struct {
	Merchant name `arg:"" help:"Its name: letters, digits, - and _."`
}

// Run adds the merchant.
func (c addMerchantCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		err := audited(ctx, store, aboutMerchant("add", c.Merchant), func(*audit.Entry) error {
			return store.AddMerchant(ctx, identity.Merchant{Name: string(c.Merchant), AddedAt: time.Now()})
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(standard().progress, "Merchant %s is there: orders keys new --merchant %[1]s makes a key for a client of it.\n", c.Merchant)
		return nil
	})
}

// aboutMerchant begins an entry of the audit trail about a change of a merchant.
func aboutMerchant(change string, merchant name) audit.Entry {
	return audit.Entry{Action: "merchants " + change, Merchant: string(merchant), Object: "merchant " + string(merchant)}
}

type listMerchantsCommand struct {
	jsonFlag
}

// Run lists the merchants by name.
func (c listMerchantsCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		all, err := store.Merchants(ctx)
		if err != nil {
			return err
		}
		return printRows(standard().results, c.JSON, all, "MERCHANT\tADDED\tDISABLED", func(m identity.Merchant) (any, string) {
			return m.Shown(), fmt.Sprintf("%s\t%s\t%s", m.Name, identity.ShortTime(m.AddedAt), identity.ShortTime(m.DisabledAt))
		})
	})
}

type disableMerchantCommand struct {
	Merchant name `arg:"" help:"The merchant, as list names it."`
}

// Run disables the merchant.
func (c disableMerchantCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		err := audited(ctx, store, aboutMerchant("disable", c.Merchant), func(*audit.Entry) error {
			return store.DisableMerchant(ctx, string(c.Merchant), time.Now())
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(standard().progress, "Merchant %s is disabled: its clients' keys are refused within five seconds. "+
			"Clients in API_KEYS are not; they are taken out there.\n", c.Merchant)
		return nil
	})
}

type enableMerchantCommand struct {
	Merchant name `arg:"" help:"The merchant, as list names it."`
}

// Run enables the merchant.
func (c enableMerchantCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		return audited(ctx, store, aboutMerchant("enable", c.Merchant), func(*audit.Entry) error {
			return store.DisableMerchant(ctx, string(c.Merchant), time.Time{})
		})
	})
}

type newKeyCommand struct {
	Merchant name     `help:"The merchant that the client acts for." default:"default"`
	Client   name     `help:"The client: letters, digits, - and _. It has at most two live keys." required:""`
	Scopes   scopes   `help:"What the key may do, with commas between: transact, read, review, label, rules, publish, alerts, alarms, deadletters, audit, admin." required:"" placeholder:"SCOPES"`
	Expires  lifetime `help:"How long the key is good for, such as 90d. Without it, it does not expire." placeholder:"DURATION"`
	jsonFlag
}

// Run makes a key.
func (c newKeyCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		now := time.Now()
		secret, key := identity.NewKey(string(c.Merchant), string(c.Client), c.Scopes, now, c.Expires.from(now))
		asked := audit.Entry{Action: "keys new", Merchant: key.Merchant, Object: "key " + key.Name, After: key.String()}
		made := false
		err := audited(ctx, store, asked, func(*audit.Entry) error {
			err := store.AddKey(ctx, key)
			made = err == nil
			return err
		})
		if made {
			err = errors.Join(showOnce(c.JSON, identity.MadeKey{Secret: secret.Reveal(), ShownKey: key.Shown(now)}, key), err)
		}
		return err
	})
}

// showOnce prints a secret to the standard output, without --json alone, for a script to put where the client reads it.
func showOnce(asJSON bool, made identity.MadeKey, key identity.Key) error {
	out, expiry := standard(), "does not expire"
	if !key.ExpiresAt.IsZero() {
		expiry = "expires at " + identity.ShortTime(key.ExpiresAt)
	}
	var err error
	if asJSON {
		err = printJSON(out.results, made)
	} else {
		_, err = fmt.Fprintln(out.results, made.Secret)
	}
	fmt.Fprintf(out.progress, "This is key %s of client %s, for %s; it %s. It is shown this once.\n"+
		"An api with API_KEYS_IN_LEDGER=true takes it at once, as Authorization: Bearer and the key.\n",
		key.Name, identity.ClientName(key.Merchant, key.Client), identity.JoinScopes(key.Scopes), expiry)
	return err
}

type listKeysCommand struct {
	Merchant name `help:"Only those of a merchant." placeholder:"NAME"`
	Client   name `help:"Only those of a client." placeholder:"NAME"`
	jsonFlag
}

// Run lists the keys by merchant, client and age. It knows no secret.
func (c listKeysCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		all, err := store.Keys(ctx)
		if err != nil {
			return err
		}
		var chosen []identity.Key
		for _, key := range all {
			if (c.Merchant == "" || key.Merchant == string(c.Merchant)) && (c.Client == "" || key.Client == string(c.Client)) {
				chosen = append(chosen, key)
			}
		}
		return printRows(standard().results, c.JSON, chosen, "KEY\tCLIENT\tMERCHANT\tSCOPES\tCREATED\tEXPIRES\tLAST USED\tSTATE", showKey)
	})
}

// showKey returns a key as JSON and as a line of a table.
func showKey(key identity.Key) (any, string) {
	as := key.Shown(time.Now())
	return as, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", key.Name, key.Client, key.Merchant, identity.JoinScopes(key.Scopes),
		identity.ShortTime(key.CreatedAt), identity.ShortTime(key.ExpiresAt), identity.ShortTime(key.LastUsedAt), as.State)
}

// keyName is an argument that takes a key's name, or the whole key, as it may stand where it leaked.
type keyName string

// UnmarshalText takes the name out of what was given.
func (k *keyName) UnmarshalText(text []byte) error {
	*k = keyName(identity.KeyName(string(text)))
	if !identity.IsName(string(*k)) {
		return errors.New("must be the name of a key, as orders keys list shows it") // without the text, which may be a key
	}
	return nil
}

type rollKeyCommand struct {
	Key     keyName  `arg:"" help:"The name of the client's present key, as list shows it."`
	Overlap lifetime `help:"How long the present key goes on, if it does not expire sooner." default:"24h"`
	Scopes  scopes   `help:"What the new key may do. Without it, the same. The first key keeps its scopes until it expires." placeholder:"SCOPES"`
	Expires lifetime `help:"How long the new key is good for, such as 90d. Without it, as long as the present one was made for." placeholder:"DURATION"`
	jsonFlag
}

// Run makes a second key.
func (c rollKeyCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		now := time.Now()
		secret, next := identity.NewKey("", "", c.Scopes, now, c.Expires.from(now)) // of the client of the present key
		var before, after identity.Key
		err := audited(ctx, store, audit.Entry{Action: "keys roll", Object: "key " + string(c.Key)}, func(e *audit.Entry) (err error) {
			if before, after, err = store.RollKey(ctx, string(c.Key), next, c.Overlap.from(now)); err == nil {
				e.Merchant, e.Before, e.After = after.Merchant, before.String(), after.String()
			}
			return err
		})
		if after.Name == "" {
			return err
		}
		previous := before.Shown(now)
		err = errors.Join(showOnce(c.JSON, identity.MadeKey{Secret: secret.Reveal(), ShownKey: after.Shown(now), Previous: &previous}, after), err)
		fmt.Fprintf(standard().progress, "Key %s goes on until %s.\n", before.Name, identity.ShortTime(before.ExpiresAt))
		return err
	})
}

type revokeKeyCommand struct {
	Key keyName `arg:"" help:"The key's name, as list shows it."`
}

// Run revokes the key.
func (c revokeKeyCommand) Run(ctx context.Context) error {
	return withMerchants(ctx, func(ctx context.Context, store *ledgerdb.Ledger) error {
		var key identity.Key
		err := audited(ctx, store, audit.Entry{Action: "keys revoke", Object: "key " + string(c.Key)}, func(e *audit.Entry) (err error) {
			if key, err = store.RevokeKey(ctx, string(c.Key), time.Now()); err == nil {
				e.Merchant, e.After = key.Merchant, key.String()
			}
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(standard().progress, "Key %s of client %s is revoked: it is refused within five seconds.\n",
			key.Name, identity.ClientName(key.Merchant, key.Client))
		return nil
	})
}

// printRows prints a table, or the rows' objects as a JSON array.
func printRows[T any](to io.Writer, asJSON bool, all []T, head string, show func(T) (object any, line string)) error {
	objects, table := []any{}, tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, head)
	for _, one := range all {
		object, line := show(one)
		objects = append(objects, object)
		fmt.Fprintln(table, line)
	}
	if asJSON {
		return printJSON(to, objects)
	}
	return table.Flush()
}
