package xlsx

import "strings"

// format is how a number is shown, as far as that says what it is.
type format byte

const (
	formatNumber   format = iota
	formatDate            // a day
	formatTime            // a time of a day
	formatDateTime        // both
	formatElapsed         // a length of time
	formatAny             // one of them, which depends on the language of Excel
)

// builtinFormats are those that files name without spelling them, as ECMA-376 has them (18.8.30), by their numbers.
var builtinFormats = map[string]format{
	"14": formatDate, "15": formatDate, "16": formatDate, "17": formatDate, "18": formatTime, "19": formatTime, "20": formatTime,
	"21": formatTime, "22": formatDateTime, "27": formatDate, "28": formatDate, "29": formatDate, "30": formatDate, "31": formatDate,
	"32": formatTime, "33": formatTime, "34": formatAny, "35": formatAny, "36": formatDate, "45": formatTime, "46": formatElapsed,
	"47": formatTime, "50": formatDate, "51": formatDate, "52": formatDate, "53": formatDate, "54": formatDate, "55": formatAny,
	"56": formatAny, "57": formatDate, "58": formatDate,
}

// formatOf is what a number is that is shown by a code such as dd.mm.yyyy: what the first section of it that shows moments says.
func formatOf(code string) format {
	for code = strings.ToLower(code); code != ""; {
		var found format
		if found, code = sectionOf(code); found != formatNumber {
			return found
		}
	}
	return formatNumber
}

// sectionOf reads a code up to a semicolon. What is quoted or escaped is shown as it is; so is most of what stands in brackets.
func sectionOf(code string) (format, string) {
	var letters strings.Builder // one of each run of letters for date and time; a month that is spelled is an n
	elapsed, placeholders, eras := false, false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case ';':
			return formatOfLetters(letters.String(), elapsed, placeholders, eras), code[i+1:]
		case '"':
			i += through(code[i+1:], '"')
		case '[':
			n := through(code[i+1:], ']')
			elapsed = elapsed || isElapsed(strings.TrimSuffix(code[i+1:min(len(code), i+1+n)], "]"))
			i += n
		case '\\', '_', '*':
			i++
		case '0', '#', '?':
			placeholders = true
		case 'y', 'd', 'h', 's', 'm':
			n := len(code[i:]) - len(strings.TrimLeft(code[i:], string(c)))
			if i += n - 1; c == 'm' && n > 2 {
				c = 'n'
			}
			letters.WriteByte(c)
		default:
			n, isClock, isEra := wordOf(code[i:])
			if isClock {
				letters.WriteByte('p')
			}
			eras = eras || isEra
			i += n - 1
		}
	}
	return formatOfLetters(letters.String(), elapsed, placeholders, eras), ""
}

// through is how far it is through a character; to the end if there is none.
func through(code string, end byte) int {
	if n := strings.IndexByte(code, end); n >= 0 {
		return n + 1
	}
	return len(code)
}

func isElapsed(bracket string) bool {
	return bracket != "" && strings.Trim(bracket, bracket[:1]) == "" && strings.Contains("hms", bracket[:1])
}

// wordOf reads a word that is not made of letters for date and time alone, and says whether it stands for a time, or for a year or day
// in a calendar of its own.
func wordOf(code string) (length int, isClock, isEra bool) {
	for _, word := range []string{"am/pm", "a/p", "上午/下午"} {
		if strings.HasPrefix(code, word) {
			return len(word), true, false
		}
	}
	switch {
	case strings.HasPrefix(code, "general"):
		return len("general"), false, false
	case strings.HasPrefix(code, "aaa"), code[0] == 'g', code[0] == 'e' && !strings.HasPrefix(code, "e+") && !strings.HasPrefix(code, "e-"):
		return 1, false, true
	}
	return 1, false, false
}

// formatOfLetters decides by the letters of a section. An m is of minutes beside hours and seconds, else of a month.
func formatOfLetters(letters string, elapsed, placeholders, eras bool) format {
	date := strings.ContainsAny(letters, "ynd") || eras && !placeholders
	clock := strings.ContainsAny(letters, "hsp")
	for i, c := range letters {
		if c != 'm' {
			continue
		}
		isMinutes := i > 0 && letters[i-1] == 'h' || i+1 < len(letters) && letters[i+1] == 's' || elapsed
		date, clock = date || !isMinutes, clock || isMinutes
	}
	switch {
	case elapsed:
		return formatElapsed
	case date && clock:
		return formatDateTime
	case date:
		return formatDate
	case clock:
		return formatTime
	}
	return formatNumber
}
