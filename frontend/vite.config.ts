import { fileURLToPath, URL } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// 127.0.0.1 on both sides: `localhost` may mean ::1, where nobody listens.
const backend = `http://127.0.0.1:${process.env['BACKEND_PORT'] ?? '8000'}`

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  build: { manifest: true, modulePreload: { polyfill: false }, assetsInlineLimit: 0, sourcemap: 'hidden' },
  server: {
    host: '127.0.0.1',
    port: Number(process.env['FRONTEND_PORT'] ?? 5173),
    strictPort: true,
    proxy: {
      '/api': { target: backend, ws: true },
      '/openapi.json': backend,
      '/docs': backend,
      '/rpc2': backend,
      '/health': backend,
    },
  },
})
