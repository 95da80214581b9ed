/** Styles that belong to a part of the page that is loaded later: Vite makes files of them. */
declare module "*.css";
