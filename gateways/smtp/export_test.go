package smtp

// OwnName is ownName.
var OwnName = ownName

// Unnamed makes a channel greet as on a machine without a full name.
func (c *Channel) Unnamed() { c.server.Greeting = "" }
