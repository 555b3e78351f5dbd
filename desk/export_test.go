package desk

// Screens and InWords export what is named so in small letters.
var (
	Screens = screens
	InWords = inWords
)
