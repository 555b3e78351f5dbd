package desk

// Screens exports screens.
var Screens = screens
