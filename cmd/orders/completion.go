package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/posener/complete"
	"github.com/willabides/kongplete"
)

type completionCommand struct {
	Shell string `arg:"" help:"The shell: bash, zsh or fish." enum:"bash,zsh,fish"`
}

// shells holds what has each shell ask orders, with the line that was typed so far in COMP_LINE. Where orders knows nothing, such
// as for a file, the shell completes names of files.
var shells = map[string]string{
	"bash": "complete -o default -C ORDERS orders\n",
	"zsh": "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n" +
		"autoload -U +X bashcompinit && bashcompinit\ncomplete -o default -C ORDERS orders\n",
	"fish": `function __complete_orders
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    ORDERS
end
complete -c orders -a "(__complete_orders)"
`,
}

// Run prints what makes a shell complete commands, flags and values of orders.
func (c completionCommand) Run() error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the binary: %w", err)
	}
	_, err = fmt.Fprint(stdout, strings.ReplaceAll(shells[c.Shell], "ORDERS", binary))
	return err
}

// completed prints how the line in COMP_LINE may go on and ends the process, if a shell asks for that.
func completed(parser *kong.Kong) {
	kongplete.Complete(parser, kongplete.WithPredictor("topic", complete.PredictSet(topics()...)))
}
