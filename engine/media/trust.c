#include "media.h"

#include <stdio.h>
#include <string.h>

// FFmpeg verifies no certificate unless it is asked to, and passes the option that
// asks neither to what a playlist names nor through RTSP and RTMP. It is set here,
// where every connection of TLS is made, in the way that an address of TLS can say it.
// What did not verify is noted, for FFmpeg tells it in its log alone.
int __real_ff_tls_open_underlying(void *tls, void *parent, const char *uri, AVDictionary **options);
int __real_gnutls_certificate_verify_peers2(void *session, unsigned *status);
unsigned __real_gnutls_x509_crt_check_hostname(void *certificate, const char *host);

int __wrap_ff_tls_open_underlying(void *tls, void *parent, const char *uri, AVDictionary **options) {
  svm_input *in = svm_current();
  if (!in || !svm_input_guard(in)->tls[0]) return __real_ff_tls_open_underlying(tls, parent, uri, options);
  char asked[4096]; // the first of two that say the same counts
  const char *rest = strchr(uri, '?');
  int n = snprintf(asked, sizeof asked, "%.*s?%s%s%s", (int)(rest ? rest - uri : (long)strlen(uri)), uri, svm_input_guard(in)->tls, rest ? "&" : "", rest ? rest + 1 : "");
  if (n >= (int)sizeof asked) return AVERROR(EINVAL);
  return __real_ff_tls_open_underlying(tls, parent, asked, options);
}

static void distrust(unsigned why) {
  svm_input *in = svm_current();
  if (in) svm_input_guard(in)->distrusted |= why;
}

// What GnuTLS says of a certificate (gnutls_certificate_status_t).
enum { INVALID = 1 << 1, NOT_YET = 1 << 9, EXPIRED = 1 << 10 };

int __wrap_gnutls_certificate_verify_peers2(void *session, unsigned *status) {
  int rc = __real_gnutls_certificate_verify_peers2(session, status);
  if (rc < 0 || *status & INVALID)
    distrust(rc >= 0 && *status & (EXPIRED | NOT_YET) ? SVM_TIME : SVM_ISSUER);
  return rc;
}

unsigned __wrap_gnutls_x509_crt_check_hostname(void *certificate, const char *host) {
  unsigned yes = __real_gnutls_x509_crt_check_hostname(certificate, host);
  if (!yes) distrust(SVM_HOST);
  return yes;
}
