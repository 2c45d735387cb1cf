// SPDX-License-Identifier: Apache-2.0
// Where the credentials of SGP.26 lie in their public folder, and what the simulators call them.
#ifndef LPAD_TESTS_SIM_COMMON_SGP26_LAYOUT_H
#define LPAD_TESTS_SIM_COMMON_SGP26_LAYOUT_H

struct sgp26_file {
    const char *from; // %s: the curve, "NIST" or "BRP"
    const char *to;
};

static const struct sgp26_file sgp26_layout[] = {
    {"CertificateIssuer/CERT_CI_ECDSA_%s.der", "ci.cert.der"    },
    {"CertificateIssuer/SK_CI_ECDSA_%s.pem",   "ci.key.pem"     },
    {"EUM/CERT_EUM_ECDSA_%s.der",              "eum.cert.der"   },
    {"EUM/SK_EUM_ECDSA_%s.pem",                "eum.key.pem"    },
    {"eUICC/CERT_EUICC_ECDSA_%s.der",          "euicc.cert.der" },
    {"eUICC/SK_EUICC_ECDSA_%s.pem",            "euicc.key.pem"  },
    {"DPauth/CERT_S_SM_DPauth_ECDSA_%s.der",   "dpauth.cert.der"},
    {"DPauth/SK_S_SM_DPauth_ECDSA_%s.pem",     "dpauth.key.pem" },
    {"DPpb/CERT_S_SM_DPpb_ECDSA_%s.der",       "dppb.cert.der"  },
    {"DPpb/SK_S_SM_DPpb_ECDSA_%s.pem",         "dppb.key.pem"   },
};

#endif
