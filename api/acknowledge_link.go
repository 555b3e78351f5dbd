package api

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"dummyorders/domain/alert"
)

// People acknowledge from a message by a signed link, which is all the authority they need. A GET shows the page and
// changes nothing, because mail scanners open every link; its button is a POST to the same address.

const (
	formType = "application/x-www-form-urlencoded"
	noStore  = "no-store"
)

// byLink answers who comes by a signed link and without an API key. Everybody else is handed on.
func (s *server) byLink(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if !s.hasLinks() || r.Header.Get("Authorization") != "" || !r.URL.Query().Has("signature") {
		next(ctx)
		return
	}
	v := visit{w: w, r: r, id: ctx.Param("id"), html: wantsPage(r)}
	s.acknowledgeByLink(&v)
}

// hasLinks says whether links are signed here: an empty one is made where there is no key.
func (s *server) hasLinks() bool {
	return s.links.Signed()
}

// visit is a request that came by a link, and how it is answered: as a page, or as JSON.
type visit struct {
	w    http.ResponseWriter
	r    *http.Request
	id   string
	html bool
}

func (s *server) showAcknowledgePage(w http.ResponseWriter, r *http.Request) {
	v := visit{w: w, r: r, id: pathID(r), html: true}
	if !s.hasLinks() {
		v.refuse(problem(http.StatusNotFound, "links are not in use here: alerts are acknowledged by POST /alerts/{id}/acknowledge"))
		return
	}
	sentTo, refused := s.verify(&v)
	if refused != nil {
		v.refuse(refused)
		return
	}
	found, err := s.saga.alert(r.Context(), v.id)
	if err != nil {
		v.refuse(s.alertUnread(r.Context(), v.id, err))
		return
	}
	v.show(http.StatusOK, pageOf(found, sentTo))
}

// acknowledgeByLink takes an empty body or the page's form.
func (s *server) acknowledgeByLink(v *visit) {
	sentTo, refused := s.verify(v)
	if refused != nil {
		v.refuse(refused)
		return
	}
	f, refused := v.form()
	if refused != nil {
		v.refuse(refused)
		return
	}
	if len(f.Faults) > 0 {
		s.askAgain(v, f, sentTo)
		return
	}
	sent := f.acknowledgement(sentTo)
	kept, err := s.saga.acknowledge(v.r.Context(), v.id, sent)
	if err != nil {
		v.refuse(s.notAcknowledged(v.r.Context(), v.id, err))
		return
	}
	v.tell(kept, sent.By)
}

// askAgain shows the form as it was typed, with what is wrong with it.
func (s *server) askAgain(v *visit, f form, sentTo string) {
	found, err := s.saga.alert(v.r.Context(), v.id)
	if err != nil {
		v.refuse(problem(http.StatusUnprocessableEntity, strings.Join(f.Faults, " ")))
		return
	}
	p := pageOf(found, sentTo)
	p.Form = f
	v.show(http.StatusUnprocessableEntity, p)
}

// verify is whom the link was sent to.
func (s *server) verify(v *visit) (sentTo string, refused *Problem) {
	sentTo, err := s.links.Verify(v.id, v.r.URL.Query(), time.Now())
	switch {
	case errors.Is(err, alert.ErrLinkExpired):
		return "", problem(http.StatusForbidden, "this link has expired, as the alert has: nobody can take care of it by the link any more")
	case err != nil:
		return "", problem(http.StatusForbidden,
			"this link is not one of this service, or was changed on its way: open it from the message once more, or copy the whole of it")
	}
	return sentTo, nil
}

func (v *visit) form() (form, *Problem) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, MaxBody)
	mediaType, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if v.r.Header.Get("Content-Type") != "" && (err != nil || mediaType != formType) {
		return form{}, problem(http.StatusUnsupportedMediaType,
			"with a signed link the body must be empty, or the page's form: "+formType)
	}
	var tooLarge *http.MaxBytesError
	switch err := v.r.ParseForm(); {
	case errors.As(err, &tooLarge):
		return form{}, problem(http.StatusRequestEntityTooLarge, "the body must not be larger than 64 KiB")
	case err != nil:
		return form{}, problem(http.StatusBadRequest, "the body is no form that can be read to its end")
	}
	return readForm(v.r.PostForm), nil
}

// wantsPage says whether a person is looking: browsers send forms, and ask for HTML.
func wantsPage(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == formType || strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}

// pathID is the id in the path of what huma does not serve.
func pathID(r *http.Request) string {
	id := r.PathValue("id")
	if decoded, err := url.PathUnescape(id); err == nil && r.URL.RawPath != "" {
		return decoded
	}
	return id
}
