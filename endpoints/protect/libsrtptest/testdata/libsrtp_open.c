/*
 * Protects and opens packets with libsrtp, for the tests of this project. One command a line:
 *
 *   profile N       the number of RFC 5764 and RFC 7714
 *   encrypt ID      a header extension element to encrypt (RFC 6904); several may be
 *   in HEX          master key and salt of what is opened; begins a session
 *   out HEX         the same of what is protected
 *   open-rtp HEX, open-rtcp HEX, protect-rtp HEX, protect-rtcp HEX
 *
 * The last four are answered by one line: the result in hex, or "error" and the
 * number that libsrtp gives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>

enum { max_packet = 4096, max_line = 2 * max_packet + 64 };

static int encrypted[16], encrypted_count;

static int unhex(const char *s, unsigned char *out, int room)
{
    int n = 0;
    unsigned int octet;
    for (; n < room && sscanf(s, "%2x", &octet) == 1; s += 2) {
        out[n++] = (unsigned char)octet;
    }
    return n;
}

static void set_policy(srtp_policy_t *p, int profile)
{
    switch (profile) {
    case 1:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtcp);
        break;
    case 2:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&p->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&p->rtcp);
        break;
    case 7:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&p->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&p->rtcp);
        break;
    case 8:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&p->rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&p->rtcp);
        break;
    default:
        fprintf(stderr, "no profile %d\n", profile);
        exit(2);
    }
}

static srtp_t begin(int profile, srtp_ssrc_type_t type, const char *hex)
{
    unsigned char key[64];
    srtp_policy_t policy;
    srtp_t session;
    srtp_err_status_t status;

    memset(&policy, 0, sizeof policy);
    set_policy(&policy, profile);
    unhex(hex, key, sizeof key);
    policy.ssrc.type = type;
    policy.key = key;
    policy.window_size = 128;
    policy.enc_xtn_hdr = encrypted_count > 0 ? encrypted : NULL;
    policy.enc_xtn_hdr_count = encrypted_count;
    status = srtp_create(&session, &policy);
    if (status != srtp_err_status_ok) {
        fprintf(stderr, "no session: %d\n", status);
        exit(2);
    }
    return session;
}

int main(void)
{
    static char line[max_line], hex[max_line];
    static unsigned char packet[max_packet + SRTP_MAX_TRAILER_LEN + 4];
    char command[32];
    srtp_t in = NULL, out = NULL;
    int profile = 0;

    if (srtp_init() != srtp_err_status_ok) {
        fprintf(stderr, "libsrtp doesn't start\n");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        srtp_err_status_t status = srtp_err_status_bad_param;
        int n, i;

        if (sscanf(line, "%31s %s", command, hex) != 2) {
            continue;
        }
        if (strcmp(command, "profile") == 0) {
            profile = atoi(hex);
            encrypted_count = 0;
            continue;
        }
        if (strcmp(command, "encrypt") == 0 && encrypted_count < 16) {
            encrypted[encrypted_count++] = atoi(hex);
            continue;
        }
        if (strcmp(command, "in") == 0) {
            in = begin(profile, ssrc_any_inbound, hex);
            continue;
        }
        if (strcmp(command, "out") == 0) {
            out = begin(profile, ssrc_any_outbound, hex);
            continue;
        }
        n = unhex(hex, packet, max_packet);
        if (strcmp(command, "open-rtp") == 0) {
            status = srtp_unprotect(in, packet, &n);
        } else if (strcmp(command, "open-rtcp") == 0) {
            status = srtp_unprotect_rtcp(in, packet, &n);
        } else if (strcmp(command, "protect-rtp") == 0) {
            status = srtp_protect(out, packet, &n);
        } else if (strcmp(command, "protect-rtcp") == 0) {
            status = srtp_protect_rtcp(out, packet, &n);
        }
        if (status != srtp_err_status_ok) {
            printf("error %d\n", status);
            continue;
        }
        for (i = 0; i < n; i++) {
            printf("%02x", packet[i]);
        }
        printf("\n");
    }
    return 0;
}
