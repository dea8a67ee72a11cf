package notify

import (
	"regexp"
	"strings"

	"hyperlake/pipelines/config"
)

// payload is a message in a format.
func payload(format config.NotifyFormat, message Message) ([]byte, error) {
	switch format {
	case config.NotifySlack:
		return encode(slackOf(message))
	case config.NotifyTeams:
		return encode(teamsOf(message))
	}
	return encode(message)
}

// slackMessage is what incoming webhooks of Slack take (https://api.slack.com/messaging/webhooks), and others that are like it. Its text
// is shown as it is.
type slackMessage struct {
	Text        string `json:"text"`
	Markdown    bool   `json:"mrkdwn"`
	UnfurlLinks bool   `json:"unfurl_links"`
}

var (
	// slackEscapes are for the characters that begin links and mentions
	// (https://api.slack.com/reference/surfaces/formatting#escaping).
	slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

	// mention matches what services that are like Slack take for one.
	mention = regexp.MustCompile(`(^|[^\pL\pN_])@([\pL\pN_])`)
)

func slackOf(message Message) slackMessage {
	escape := func(text string) string {
		return slackEscapes.Replace(mention.ReplaceAllString(text, "${1}@\u200b${2}"))
	}
	text := message.Title + "\n" + message.Text
	for most := maxText; len([]rune(escape(text))) > maxText; most -= maxText / 30 {
		text = bounded(text, most)
	}
	return slackMessage{Text: escape(text)}
}

// teamsMessage is what workflows of Teams take that are triggered by a webhook: a message with an Adaptive Card
// (https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook). The webhooks of
// Office 365's connectors, which took other cards, are retired.
type teamsMessage struct {
	Type        string       `json:"type"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string       `json:"contentType"`
	Content     adaptiveCard `json:"content"`
}

// adaptiveCard is a card of https://adaptivecards.io/explorer/. Its blocks are runs of text, in which, other than in blocks of text,
// nothing is Markdown.
type adaptiveCard struct {
	Schema  string      `json:"$schema"`
	Type    string      `json:"type"`
	Version string      `json:"version"`
	Body    []richBlock `json:"body"`
	Teams   teamsLayout `json:"msteams"`
}

type teamsLayout struct {
	Width string `json:"width"`
}

type richBlock struct {
	Type    string    `json:"type"`
	Spacing string    `json:"spacing,omitempty"`
	Inlines []textRun `json:"inlines"`
}

type textRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
}

func teamsOf(message Message) teamsMessage {
	card := adaptiveCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.2", Teams: teamsLayout{Width: "Full"},
		Body: []richBlock{{Type: "RichTextBlock", Inlines: []textRun{{Type: "TextRun", Text: message.Title, Size: "Medium", Weight: "Bolder"}}}},
	}
	for line := range strings.SplitSeq(message.Text, "\n") {
		card.Body = append(card.Body, richBlock{Type: "RichTextBlock", Spacing: "Small", Inlines: []textRun{{Type: "TextRun", Text: line}}})
	}
	return teamsMessage{Type: "message", Attachments: []attachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}}}
}
