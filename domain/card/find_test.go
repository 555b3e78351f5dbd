package card_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"dummyorders/domain/card"
)

// spelled draws a spelling of digits: in groups or not, with characters between them, in digits of any script.
func spelled(t *rapid.T, digits string) string {
	zero := rapid.SampledFrom([]rune("0000٠०০０𝟎𝟘𝟬𝟶🯰")).Draw(t, "zero")
	between := rapid.OneOf(
		rapid.Just(""), rapid.StringMatching(`[ .,/_:;|–—·x-]{1,3}`), rapid.StringMatching(`[G-Zg-zäß語]{1,3}`), rapid.StringMatching(`[a-z]| [a-z] `),
		rapid.SampledFrom([]string{"\u00a0", "\u2009", "\u202f", "\u3000", "\u2011", "\u2012", "\u2212", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u3164", "      ", " ----- "}),
	)
	same := between.Draw(t, "between")
	varies := rapid.Bool().Draw(t, "varies")
	size := rapid.SampledFrom([]int{1, 2, 4, 4, 4, 5}).Draw(t, "size")
	var text strings.Builder
	for i, digit := range digits {
		if i > 0 && i%size == 0 {
			if varies {
				same = between.Draw(t, "next")
			}
			text.WriteString(same)
		}
		text.WriteRune(zero + digit - '0')
	}
	return text.String()
}

// valid draws a number that a known scheme could have issued.
func valid(t *rapid.T) string {
	issuer := rapid.SampledFrom([]struct {
		first  string
		length int
	}{
		{"4", 13},
		{"4", 16},
		{"4", 19},
		{"51", 16},
		{"2223", 16},
		{"34", 15},
		{"37", 15},
		{"3005", 14},
		{"6011", 16},
		{"3530", 16},
		{"62", 16},
		{"62", 19},
		{"5018", 12},
		{"67", 18},
		{"9860", 16},
		{"2200", 16},
		{"506099", 16},
	}).Draw(t, "issuer")
	digits := issuer.first + rapid.StringMatching(fmt.Sprintf(`[0-9]{%d}`, issuer.length-len(issuer.first)-1)).Draw(t, "account")
	return digits + checkDigit(digits)
}

func checkDigit(digits string) string {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return fmt.Sprint((10 - sum%10) % 10)
}

// However a card number is spelled, it is found, and Conceal and Redact leave no more than its first six and last four
// digits.
func TestFindsEverySpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := valid(t)
		text := rapid.SampledFrom([]string{"", "card ", "order 7: ", "(", "tok_"}).Draw(t, "before") + spelled(t, digits) +
			rapid.SampledFrom([]string{"", " ", " 12/27", ")", "x"}).Draw(t, "after")
		if !card.HoldsNumber(text) {
			t.Fatalf("HoldsNumber(%q) = false", text)
		}
		for name, mask := range map[string]func(string) string{"Conceal": card.Conceal, "Redact": card.Redact} {
			masked := mask(text)
			if card.HoldsNumber(masked) || mask(masked) != masked || parse(t, digits).AppearsIn(masked) {
				t.Errorf("%s(%q) = %q", name, text, masked)
			}
		}
	})
}

func TestVerificationValues(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"cvv 123", "cvv ***"},
		{"CVV: 123", "CVV: ***"},
		{"card cvc2=1234.", "card cvc2=***."},
		{"cvv2123", "cvv2***"},
		{"the security code is 123, he said", "the security code is ***, he said"},
		{"Card-Verification_Value #  999", "Card-Verification_Value #  ***"},
		{"csc no. 1 2 3", "csc no. ***"},
		{"cvn １２３", "cvn ***"},
		{"cvv 1\u200b2\u200b3 and cvc 4321", "cvv *** and cvc ***"},
		{"cvv 12", ""},
		{"cvv 12345", ""},
		{"the cvv was not asked for 1234", ""},
		{"chargeback 4853", ""},
		{"order 123 by svcs 456", ""},
		{"incorrect_verification", ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			if got := card.HoldsVerificationValue(c.text); got != (c.want != "") {
				t.Errorf("HoldsVerificationValue = %v", got)
			}
			if c.want == "" {
				c.want = c.text
			}
			if got := card.Conceal(c.text); got != c.want {
				t.Errorf("Conceal = %q, want %q", got, c.want)
			}
			if got := card.Redact(c.text); got != c.want {
				t.Errorf("Redact = %q, want %q", got, c.want)
			}
		})
	}
}

// Conceal leaves what logs and alerts are full of.
func TestConcealLeavesTheRest(t *testing.T) {
	for _, text := range []string{
		"transaction-01a20824-dd12-7275-9583-01a192dcec83", "2026-11-30T14:35:12.123456789Z", "2026-11-30 14:35:12.12345678 +0000 UTC",
		"sha256:9b9c5ffd434822f1b4ab6bbf2a2bb24a0b1ebd7a05a7d5de7f9a5a3b1a6d35f5", "492918******8126", "492918******8126 12/27",
		"+628123456789010", "1.0424242s", "127.0.0.1:52114", "order 1234 of 2026", "1234567887654321",
	} {
		if got := card.Conceal(text); got != text {
			t.Errorf("Conceal(%q) = %q", text, got)
		}
	}
}

func TestConcealJSON(t *testing.T) {
	const document = `{"a":"x \"4242 4242 4242 4242\"","n":4242424242424242,"4242424242424242":["cvv 123",null],"t":"2026-11-30T14:35:12.123456789Z"}`
	const want = `{"a":"x \"424242******4242\"","n":4242424242424242,"424242******4242":["cvv ***",null],"t":"2026-11-30T14:35:12.123456789Z"}`
	if got := string(card.ConcealJSON([]byte(document))); got != want {
		t.Errorf("ConcealJSON = %s, want %s", got, want)
	}
}

// docs/transactions.md states these rates of false alarms, of 10,000 ids each.
func TestFalseAlarms(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	at := func(i int) time.Time { return day.Add(time.Duration(i) * 8640 * time.Millisecond) }
	text := func(alphabet string, length int) string {
		var b strings.Builder
		for range length {
			b.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	const digits, hex, crockford = "0123456789", "0123456789abcdef", "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	snowflake := func(i int, epoch int64, bits int) string {
		return fmt.Sprint((at(i).UnixMilli()-epoch)<<bits | random.Int64N(1<<bits))
	}
	for _, c := range []struct {
		name string
		want int
		id   func(i int) string
	}{
		{"sequential, 11 digits", 0, func(i int) string { return fmt.Sprint(40_000_000_000 + i) }},
		{"sequential, 12 digits, from 1", 0, func(i int) string { return fmt.Sprint(100_000_000_000 + i) }},
		{"sequential, 16 digits, from 1", 0, func(i int) string { return fmt.Sprint(1_000_000_000_000_000 + i) }},
		{"sequential, 16 digits, from 4", 1000, func(i int) string { return fmt.Sprint(4_000_000_000_000_000 + i) }},
		{"INV-2026-000123", 0, func(i int) string { return fmt.Sprintf("INV-2026-%06d", i) }},
		{"Unix time, milliseconds", 0, func(i int) string { return fmt.Sprint(at(i).UnixMilli()) }},
		{"Unix time, microseconds", 0, func(i int) string { return fmt.Sprint(at(i).UnixMicro()) }},
		{"Unix time, nanoseconds", 0, func(i int) string { return fmt.Sprint(at(i).UnixNano()) }},
		{"Unix time, microseconds, from 15 to 26 January 2027", 1000, func(i int) string { return fmt.Sprint(at(i).AddDate(0, 0, 50).UnixMicro()) }},
		{"20261129143512", 0, func(i int) string { return at(i).Format("20060102150405") }},
		{"20261129143512 and 4 digits", 0, func(i int) string { return at(i).Format("20060102150405") + fmt.Sprintf("%04d", i) }},
		{"20261129-143512-0001", 0, func(i int) string { return at(i).Format("20060102-150405-") + fmt.Sprintf("%04d", i) }},
		{"261129143512", 0, func(i int) string { return at(i).Format("060102150405") }},
		{"261129143512 and 4 digits", 1000, func(i int) string { return at(i).Format("060102150405") + fmt.Sprintf("%04d", i) }},
		{"RFC 3339", 0, func(i int) string {
			return at(i * 31).Add(time.Duration(random.Int64N(1e9))).Format(time.RFC3339Nano)
		}},
		{"UUID", 0, func(int) string {
			return text(hex, 8) + "-" + text(hex, 4) + "-4" + text(hex, 3) + "-9" + text(hex, 3) + "-" + text(hex, 12)
		}},
		{"UUID without dashes", 2, func(int) string { return text(hex, 32) }},
		{"ObjectId", 7, func(int) string { return "692b" + text(hex, 20) }},
		{"SHA-256", 0, func(int) string { return text(hex, 64) }},
		{"16 hexadecimal digits", 30, func(int) string { return text(hex, 16) }},
		{"ULID", 2, func(int) string { return "01KB" + text(crockford, 22) }},
		{"12 letters and digits", 0, func(int) string { return text(crockford, 12) }},
		{"snowflake since 2010 (X)", 0, func(i int) string { return snowflake(i, 1288834974657, 22) }},
		{"snowflake since 2015 (Discord)", 0, func(i int) string { return snowflake(i, 1420070400000, 22) }},
		{"snowflake since 2011 (Instagram)", 1000, func(i int) string { return snowflake(i, 1314220021721, 23) }},
		{"114-1234567-1234567 (Amazon)", 120, func(int) string { return "11" + text(digits, 1) + "-" + text(digits, 7) + "-" + text(digits, 7) }},
		{"12-12345-12345 (eBay)", 0, func(int) string { return "12-" + text(digits, 5) + "-" + text(digits, 5) }},
		{"EAN-13 from 400 (Germany)", 1000, func(int) string { return "400" + text(digits, 10) }},
		{"random, 12 digits", 70, func(int) string { return text(digits, 12) }},
		{"random, 14 digits", 120, func(int) string { return text(digits, 14) }},
		{"random, 16 digits", 350, func(int) string { return text(digits, 16) }},
		{"random, 19 digits", 250, func(int) string { return text(digits, 19) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := 0
			for i := range 10_000 {
				if card.HoldsNumber(c.id(i)) {
					found++
				}
			}
			if math.Abs(float64(found-c.want)) > 4*math.Sqrt(float64(c.want)) {
				t.Errorf("%d are taken for a card number, want about %d", found, c.want)
			}
		})
	}
}
