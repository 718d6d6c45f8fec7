#include "driver/engine/pem.h"

#include <gtest/gtest.h>

#include <string>

#include "driver/engine/tls_context.h"
#include "driver/engine/tls_test_server.h"

namespace loadtest {
namespace {

class PemTest : public ::testing::Test {
 protected:
  // How many certificates the text has, or why it is refused.
  static std::string Certificates(const std::string& pem) {
    const auto read = ReadCertificates("tls.ca_certificates", pem);
    return read.ok() ? std::to_string(read->size()) : std::string(read.status().message());
  }
  static std::string Key(const std::string& pem) {
    const auto read = ReadKey("tls.client_key", pem);
    return read.ok() ? "a key" : std::string(read.status().message());
  }
  static void ExpectDamaged(const std::string& pem, int block) {
    const std::string got = Certificates(pem);
    EXPECT_EQ(got.find("tls.ca_certificates: got PEM text whose block " + std::to_string(block) +
                       " is damaged ("),
              0U)
        << got;
    EXPECT_NE(got.find("), want PEM certificates"), std::string::npos) << got;
  }

  const Identity identity_;
  const std::string pem_ = identity_.Pem();
  const std::string key_ = identity_.KeyPem();
};

TEST_F(PemTest, CertificatesMayHaveCommentsAndKeysBetweenThem) {
  EXPECT_EQ(Certificates(pem_), "1");
  EXPECT_EQ(Certificates("# Example Root\n" + pem_ + "\nsubject=CN = localhost\n" + key_ + pem_),
            "2");
}

TEST_F(PemTest, ATextWithoutACertificateIsRefused) {
  const std::string refusal =
      "tls.ca_certificates: got a text without a certificate, want PEM certificates";
  EXPECT_EQ(Certificates(""), refusal);
  EXPECT_EQ(Certificates("hello"), refusal);
  EXPECT_EQ(Certificates(key_), refusal);
}

TEST_F(PemTest, ADamagedCertificateIsNotPassedOver) {
  const size_t middle = pem_.size() / 2;
  std::string wrong_letter = pem_;
  wrong_letter[middle] = '!';
  ExpectDamaged(wrong_letter, 1);
  ExpectDamaged(pem_ + wrong_letter, 2);
  ExpectDamaged(wrong_letter + pem_, 1);
  ExpectDamaged(pem_ + pem_.substr(0, middle), 2);  // cut off
  ExpectDamaged(pem_ + pem_.substr(middle), 2);     // its head is missing
  ExpectDamaged(pem_ + pem_.substr(1), 2);          // a dash is missing
  ExpectDamaged(pem_ + "-----BEGIN CERTIFICATE-----\nnothing\n", 2);
  ExpectDamaged("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", 1);
}

TEST_F(PemTest, AKeyIsOneWithoutAPassword) {
  EXPECT_EQ(Key(key_), "a key");
  EXPECT_EQ(Key(pem_ + key_), "a key");
  EXPECT_EQ(Key(pem_),
            "tls.client_key: got a text without a private key, want a PEM key without a password");
  EXPECT_EQ(Key(identity_.KeyPem("open")),
            "tls.client_key: got a key with a password, want a PEM key without a password");
}

TEST_F(PemTest, ADamagedKeyIsRefusedAndNotShown) {
  std::string damaged = key_;
  damaged[key_.size() / 2] = '!';
  for (const std::string& text : {damaged, key_.substr(0, key_.size() / 2), key_ + damaged}) {
    const std::string got = Key(text);
    EXPECT_EQ(got.find("tls.client_key: got PEM text whose block "), 0U) << got;
    EXPECT_EQ(got.find(key_.substr(40, 20)), std::string::npos);
  }
  EXPECT_EQ(Key("-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n")
                .find("tls.client_key: got a key that is damaged ("),
            0U);
}

TEST_F(PemTest, TlsOptionsThatCannotBeUsedAreNamed) {
  const auto refusal = [](const v1::TlsOptions& options) {
    return std::string(TlsContext::Create(options, "localhost", "h2").status().message());
  };
  v1::TlsOptions options;
  options.set_ca_certificates(pem_.substr(0, pem_.size() / 2));
  EXPECT_EQ(refusal(options).find("tls.ca_certificates: got PEM text whose block 1"), 0U);
  options.Clear();
  options.set_client_certificate(pem_.substr(0, pem_.size() / 2));
  options.set_client_key(key_);
  EXPECT_EQ(refusal(options).find("tls.client_certificate: got PEM text whose block 1"), 0U);
  options.set_client_certificate(pem_);
  options.set_client_key("-----BEGIN NONSENSE-----");
  EXPECT_EQ(refusal(options).find("tls.client_key: got PEM text whose block 1"), 0U);
  options.set_client_key(Identity().KeyPem());
  EXPECT_EQ(refusal(options),
            "tls.client_key: got a key that does not fit the certificate, want the key of "
            "tls.client_certificate");
}

}  // namespace
}  // namespace loadtest
