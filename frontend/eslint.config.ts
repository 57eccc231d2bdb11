import { defineConfigWithVueTs, vueTsConfigs } from '@vue/eslint-config-typescript'
import { globalIgnores } from 'eslint/config'
import pluginOxlint from 'eslint-plugin-oxlint'
import pluginVue from 'eslint-plugin-vue'

export default defineConfigWithVueTs(
  { name: 'linted files', files: ['**/*.{vue,ts}'] },
  globalIgnores(['dist/**', 'coverage/**', 'playwright-report/**', 'test-results/**', 'src/api/generated/**']),
  ...pluginVue.configs['flat/essential'],
  vueTsConfigs.strict,
  {
    name: 'house rules',
    rules: {
      'vue/multi-word-component-names': 'off',
      'vue/no-v-html': 'error',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-order': ['error', { order: ['script', 'template'] }],
      'max-lines': ['error', 300],
      'max-lines-per-function': 'off',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  { files: ['scripts/**'], rules: { 'no-console': 'off' } },
  ...pluginOxlint.buildFromOxlintConfigFile('.oxlintrc.json'),
)
